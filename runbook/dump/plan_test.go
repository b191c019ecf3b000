package dump

import (
	"context"
	"strings"
	"testing"
)

func TestSplitKeys(t *testing.T) {
	t.Parallel()
	const head, tail = "CREATE TABLE `t` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `a` varchar(9) DEFAULT 'x,) KEY `y` (`z`)' COMMENT 'KEY',\n  ",
		"\n) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='a;'"
	text := head + "PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`a`,`id`),\n  KEY `k` (`a`(3) DESC) USING BTREE COMMENT 'it''s, )'" + tail
	bare, add, ok := Lex{}.SplitKeys([]byte(text))
	if want := head[:len(head)-4] + ", PRIMARY KEY (`id`)" + tail; !ok || strings.Join(strings.Fields(string(bare)), "") != strings.Join(strings.Fields(want), "") {
		t.Errorf("%v\n%s\n%s", ok, bare, want)
	}
	if want := "ALTER TABLE `t` ADD UNIQUE KEY `u` (`a`,`id`), ADD KEY `k` (`a`(3) DESC) USING BTREE COMMENT 'it''s, )'"; string(add) != want {
		t.Errorf("%s", add)
	}
	for name, text := range map[string]string{
		"nothing to add":        head + "PRIMARY KEY (`id`)" + tail,
		"foreign key":           head + "PRIMARY KEY (`id`),\n  KEY `k` (`a`),\n  CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `u` (`a`)" + tail,
		"full text":             head + "PRIMARY KEY (`id`),\n  KEY `k` (`a`),\n  FULLTEXT KEY `f` (`a`)" + tail,
		"spatial":               head + "PRIMARY KEY (`id`),\n  SPATIAL KEY `f` (`a`)" + tail,
		"counter elsewhere":     head + "PRIMARY KEY (`a`,`id`),\n  KEY `id` (`id`)" + tail,
		"counter, no primary":   head + "KEY `id` (`id`)" + tail,
		"generated":             head + "`g` int GENERATED ALWAYS AS (`id`) VIRTUAL,\n  PRIMARY KEY (`id`),\n  KEY `g` (`g`)" + tail,
		"generated, short":      head + "`g` int AS (`id`) STORED,\n  PRIMARY KEY (`id`),\n  KEY `g` (`g`)" + tail,
		"of an expression":      head + "PRIMARY KEY (`id`),\n  KEY `g` ((lower(`a`)))" + tail,
		"other engine":          strings.Replace(text, "InnoDB", "Aria", 1),
		"partitions":            text + " PARTITION BY HASH (`id`) PARTITIONS 4",
		"partitions in comment": text + "\n/*!50100 PARTITION BY HASH (`id`) */",
		"versioned":             text + " WITH SYSTEM VERSIONING",
		"comment within":        strings.Replace(text, "USING BTREE", "/*!80000 INVISIBLE */", 1),
		"without overlaps":      head + "PRIMARY KEY (`id`),\n  PERIOD FOR `p` (`x`, `y`),\n  UNIQUE KEY `u` (`id`,`p` WITHOUT OVERLAPS)" + tail,
		"unknown kind":          head + "PRIMARY KEY (`id`),\n  VECTOR KEY `v` (`a`)" + tail,
		"like":                  "CREATE TABLE `t` LIKE `u`",
		"cut":                   text[:len(text)/2],
		"not a table":           "CREATE VIEW `v` AS SELECT 1",
	} {
		if bare, add, ok := (Lex{}).SplitKeys([]byte(text)); ok {
			t.Errorf("%s: split\n%s\n%s", name, bare, add)
		}
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	const one, two = "CREATE TABLE `a` (`id` int);\nINSERT INTO `a` VALUES (1);\n", "CREATE TABLE `b` (`id` int);\nINSERT INTO `b` VALUES (1);\n"
	const trigger = "CREATE TRIGGER `g` BEFORE INSERT ON `a` FOR EACH ROW SET NEW.id=1;\n"
	for name, c := range map[string]struct {
		text    string
		inOrder bool
	}{
		"as mysqldump":            {one + trigger + two, false},
		"locks and transactions":  {"SET autocommit=0;\nCREATE TABLE `a` (`id` int);\nLOCK TABLES `a` WRITE;\nALTER TABLE `a` DISABLE KEYS;\nINSERT INTO `a` VALUES (1);\nALTER TABLE `a` ENABLE KEYS;\nUNLOCK TABLES;\nCOMMIT;\n", false},
		"keys at the end":         {one + two + "ALTER TABLE `a` ADD PRIMARY KEY (`id`);\n", false},
		"a change between rows":   {one + "ALTER TABLE `a` ADD `x` int;\nINSERT INTO `a` VALUES (1,2);\n", true},
		"a setting between rows":  {one + "SET time_zone='+00:00';\nINSERT INTO `a` VALUES (2);\n", true},
		"a table twice":           {one + "DROP TABLE IF EXISTS `a`;\n" + one, true},
		"another delimiter":       {"CREATE TABLE `a` (`id` int);\nDELIMITER ;;\nINSERT INTO `a` VALUES (1);;\n", true},
		"rows between the others": {"CREATE TABLE `a` (`id` int);\nCREATE TABLE `b` (`id` int);\nINSERT INTO `a` VALUES (1);\nINSERT INTO `b` VALUES (1);\nINSERT INTO `a` VALUES (2);\n", false},
	} {
		var p Planner
		s, err := Scan(context.Background(), strings.NewReader(c.text), speed, p.See)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		plan := p.Plan(s)
		if plan.InOrder != c.inOrder {
			t.Errorf("%s: in order %v", name, plan.InOrder)
		}
		var rows int64
		for _, section := range plan.Sections {
			for _, r := range section.Runs {
				rows += r.Statements
				if r.Plain && !strings.HasPrefix(c.text[r.Offset:r.Offset+r.Length], "INSERT INTO `"+section.Name) {
					t.Errorf("%s: a run of %s is %q", name, section.Name, c.text[r.Offset:r.Offset+r.Length])
				}
			}
		}
		if want := int64(strings.Count(c.text, "INSERT INTO")); !plan.InOrder && rows != want {
			t.Errorf("%s: %d statements with rows, want %d", name, rows, want)
		}
	}
}

// TestAlteredKeysStay holds that keys do not wait where a table is changed later: the change may be about them.
func TestAlteredKeysStay(t *testing.T) {
	t.Parallel()
	text := "CREATE TABLE `t` (`a` int NOT NULL, `b` int, PRIMARY KEY (`a`), KEY `k` (`b`)) ENGINE=InnoDB;\nINSERT INTO `t` VALUES (1,2)" + strings.Repeat(",(1,2)", worthKeys/6) + ";\n"
	for add, wait := range map[string]bool{"": true, "ALTER TABLE `t` DROP KEY `k`, ADD KEY `k` (`b`,`a`);\n": false, "CREATE INDEX `i` ON `t` (`b`);\n": false} {
		var p Planner
		s, err := Scan(context.Background(), strings.NewReader(text+add), speed, p.See)
		if err != nil {
			t.Fatal(err)
		}
		if plan := p.Plan(s); plan.InOrder || plan.Altered == wait || (plan.Sections[0].Keys != "") != wait {
			t.Errorf("%q: %+v, %q", add, plan, plan.Sections[0].Keys)
		}
	}
}
