package slack

import "strings"

// person is somebody of team as fleet.yaml may list them. Slack's ids of people are unique within a workspace, or within
// an organisation, alone: who comes into a shared channel from another one is nobody that fleet.yaml means by this id.
func (s *Slack) person(team, id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" || team == "" || s.self.team == "" || team == s.self.team || s.self.organisation {
		return id
	}
	return id + "@" + team
}

// addressee is how Slack knows the person.
func addressee(person string) string {
	id, _, _ := strings.Cut(person, "@")
	return id
}
