package drill

var totalPart = part{breaks: theOnes("primary", "standby", "report"), facts: bothRecovered, healed: primaryHealed}
