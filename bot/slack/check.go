package slack

import "regexp"

var userID = regexp.MustCompile(`^[UW][A-Z0-9]{2,30}$`)

// IsUserID tells whether text can be the id of a person in Slack, as fleet.yaml lists it.
func IsUserID(text string) bool { return userID.MatchString(text) }
