package wire

import "restante/relay"

// ISO writes a time as ISO 8601 in UTC, always with three decimals.
func ISO(t relay.Time) string { return t.Time().Format("2006-01-02T15:04:05.000Z") }
