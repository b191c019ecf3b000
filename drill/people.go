package drill

import "slices"

// Person is somebody who takes part in a drill from a chat. The drill has operator and colleague, who may do all; other
// names are people beside them, who may do the same.
type Person struct {
	Name     string
	Slack    string // the person's id in Slack, "" for none
	Telegram int64  // in Telegram, 0 for none
}

type member struct {
	Person
	TokenHash string // "" for one who has no token of the console
}

// people are all who may use the drill's bot.
func (c *Company) people(more []Person) []member {
	out := []member{
		{Person{Name: "operator"}, hash(c.secrets.operator)},
		{Person{Name: "colleague"}, hash(c.secrets.colleague)},
	}
	for _, p := range more {
		if i := slices.IndexFunc(out, func(m member) bool { return m.Name == p.Name }); i >= 0 {
			out[i].Person = p
		} else {
			out = append(out, member{Person: p})
		}
	}
	return out
}
