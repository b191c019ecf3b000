package drill

var totalPart = part{breaks: theOnes("primary", "standby", "report"), facts: rebuilt, healed: primaryHealed}
