// Package dump reads MySQL and MariaDB dump files as what they are: text of unknown origin. It knows the dates in their
// names and trailers, splits them into statements, and decides statement by statement what may run in a scratch
// schema. It knows no hosts, no SSH and no database connections.
package dump
