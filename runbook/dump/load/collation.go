package load

import (
	"context"
	"slices"
	"strings"

	"recoverbot/runbook"
)

// knows refuses a dump that names character sets or collations which this server lacks, before anything is written.
func (s *session) knows(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	rows, err := s.conn.QueryContext(ctx, "SELECT LOWER(COLLATION_NAME), LOWER(COALESCE(CHARACTER_SET_NAME, '')) FROM information_schema.COLLATIONS")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	known := map[string]bool{"default": true, "utf8": true, "utf8_general_ci": true}
	for rows.Next() {
		var collation, charset string
		if err := rows.Scan(&collation, &charset); err != nil {
			return err
		}
		known[collation], known[charset] = true, true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	lacking := slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		_, shared, _ := strings.Cut(n, "_") // MariaDB lists what several character sets share without their names
		return known[n] || known[shared]
	})
	if len(lacking) > 0 {
		return runbook.Errorf(runbook.Invalid, "dump.collation", "names", strings.Join(lacking, ", "))
	}
	return nil
}
