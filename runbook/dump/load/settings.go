package load

import (
	"context"
	"errors"
	"strings"
)

// carried are the settings of a session that decide what a statement of a dump means. They are what the dump package
// lets a dump set, but for those that a load decides itself, and for unique_checks: without them a server may take a key
// twice, and is no quicker at the tables of a load, whose keys wait or are few.
const carried = "SHOW SESSION VARIABLES WHERE Variable_name IN ('character_set_client','character_set_results','character_set_connection'," +
	"'collation_connection','time_zone','foreign_key_checks','sql_mode','innodb_strict_mode','sql_quote_show_create'," +
	"'system_versioning_insert_history')"

// snapshot asks the server for the settings that are in force, as the SET statement that brings them about.
func (s *session) snapshot(ctx context.Context) (string, error) {
	rows, err := s.conn.QueryContext(ctx, carried)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var set []string
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return "", err
		}
		if strings.ContainsAny(value, `'"\`) {
			return "", errors.New("read settings: a strange value")
		}
		if name == "character_set_results" && value == "" {
			set = append(set, name+"=NULL")
			continue
		}
		set = append(set, name+"='"+value+"'")
	}
	return "SET SESSION " + strings.Join(set, ","), rows.Err()
}

// set brings settings about, where they are not in force.
func (s *session) set(ctx context.Context, settings string) error {
	if s.settings == settings {
		return nil
	}
	s.settings = settings
	return s.exec(ctx, settings)
}
