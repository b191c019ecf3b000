package main

// part is one table of the made database. Its rows are made by the server, from the number of each row alone.
type part struct {
	name   string
	create string // columns and keys
	row    string // SELECT list over seq; MD5 stands in for chance
	share  int    // of the dump's bytes, in percent
	bytes  int    // that a row takes in a dump, about
}

const created = "FROM_UNIXTIME(1700000000 + seq * 7 + CRC32(seq) MOD 5)"

// parts are eight tables with two secondary keys each; one of them is half of the bytes.
var parts = []part{
	{"notices", "`id` int NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `title` varchar(120) NOT NULL, `body` text, `read_at` datetime DEFAULT NULL," +
		" `created_at` timestamp NULL DEFAULT NULL, PRIMARY KEY (`id`), KEY `user_id` (`user_id`,`read_at`), KEY `created_at` (`created_at`)",
		"seq, CRC32(CONCAT('n', seq)) MOD 400000, CONCAT('Notice ', MD5(seq)), REPEAT(MD5(seq + 1), 5), IF(seq MOD 3, NULL, '2026-01-02 03:04:05'), " + created, 8, 280},
	{"orders", "`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `number` char(32) NOT NULL, `amount` decimal(12,2) NOT NULL, `status` tinyint NOT NULL," +
		" `note` varchar(200) DEFAULT NULL, `created_at` timestamp NULL DEFAULT NULL, PRIMARY KEY (`id`), UNIQUE KEY `number` (`number`), KEY `user_id` (`user_id`,`created_at`)",
		"seq, CRC32(CONCAT('o', seq)) MOD 400000, MD5(CONCAT('order', seq)), (CRC32(seq) MOD 1000000) / 100, seq MOD 5, IF(seq MOD 4, NULL, REPEAT('订单 ', 8)), " + created, 12, 110},
	{"payments", "`id` bigint NOT NULL AUTO_INCREMENT, `order_id` bigint NOT NULL, `channel` varchar(20) NOT NULL, `reference` varchar(64) NOT NULL, `raw` varbinary(64) DEFAULT NULL," +
		" `created_at` timestamp NULL DEFAULT NULL, PRIMARY KEY (`id`), KEY `order_id` (`order_id`), KEY `reference` (`reference`(20))",
		"seq, CRC32(CONCAT('p', seq)) MOD 900000, ELT(1 + seq MOD 3, 'card', 'bank', 'wallet'), SHA1(seq), UNHEX(MD5(seq)), " + created, 10, 145},
	{"sessions", "`id` char(40) NOT NULL, `user_id` bigint NOT NULL, `ip` varchar(45) NOT NULL, `data` text, `expires_at` datetime NOT NULL," +
		" PRIMARY KEY (`id`), KEY `user_id` (`user_id`), KEY `expires_at` (`expires_at`)",
		"CONCAT(LPAD(seq, 10, '0'), LEFT(MD5(seq), 30)), CRC32(CONCAT('s', seq)) MOD 400000, INET_NTOA(3221225984 + seq MOD 256), CONCAT('{\"a\": \"', REPEAT(MD5(seq), 4), '\"}'), '2026-12-01 00:00:00' + INTERVAL seq SECOND", 10, 265},
	{"settings", "`id` int NOT NULL AUTO_INCREMENT, `name` varchar(80) NOT NULL, `value` varchar(500) DEFAULT NULL, `group_name` varchar(40) NOT NULL," +
		" PRIMARY KEY (`id`), UNIQUE KEY `name` (`name`), KEY `group_name` (`group_name`)",
		"seq, CONCAT('setting.', seq), REPEAT(MD5(seq), 3), CONCAT('group ', seq MOD 50)", 1, 145},
	{"t_app_dns", "`id` int NOT NULL AUTO_INCREMENT, `ip` varchar(40) NOT NULL, `host` varchar(80) NOT NULL, `status` int NOT NULL DEFAULT 1, `created_at` timestamp NULL DEFAULT NULL," +
		" PRIMARY KEY (`id`), KEY `ip` (`ip`), KEY `status` (`status`,`created_at`)",
		"seq, INET_NTOA(3221225984 + seq MOD 256), CONCAT('h', seq, '.example.net'), 1 + seq MOD 2, " + created, 1, 75},
	{"user_logs", "`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `action` varchar(40) NOT NULL, `ip` varchar(45) NOT NULL, `agent` varchar(160) DEFAULT NULL," +
		" `detail` varchar(300) DEFAULT NULL, `created_at` timestamp NULL DEFAULT NULL, PRIMARY KEY (`id`), KEY `user_id` (`user_id`,`created_at`), KEY `action` (`action`,`created_at`)",
		"seq, CRC32(CONCAT('l', seq)) MOD 400000, ELT(1 + CRC32(seq) MOD 6, 'login', 'logout', 'view', 'change', 'pay', 'refuse'), INET_NTOA(3221225984 + CRC32(seq) MOD 256)," +
			" CONCAT('Mozilla/5.0 (X11; Linux) ', LEFT(MD5(seq MOD 40), 20)), CONCAT('path=/', LEFT(MD5(seq), 12), '?q=it\\'s'), " + created, 50, 160},
	{"users", "`id` bigint NOT NULL AUTO_INCREMENT, `name` varchar(60) NOT NULL, `email` varchar(120) NOT NULL, `password` char(60) NOT NULL, `balance` decimal(14,4) NOT NULL DEFAULT 0.0000," +
		" `profile` text, `created_at` timestamp NULL DEFAULT NULL, PRIMARY KEY (`id`), UNIQUE KEY `email` (`email`), KEY `name` (`name`)",
		"seq, CONCAT('用户 ', seq), CONCAT(MD5(seq), '@example.net'), LEFT(CONCAT('$2y$10$', SHA2(seq, 256)), 60), seq / 7, CONCAT('line one\\nline \"two\" ', REPEAT(MD5(seq), 2)), " + created, 8, 270},
}
