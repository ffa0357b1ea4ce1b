package command

import (
	"fmt"
	"io"
	"strings"
)

// A Metric is one number about a running relay. It never has labels: nothing
// about who or where.
type Metric struct {
	Name  string `json:"name"` // as Prometheus has it, without the restante_ before it
	About string `json:"about"`
	Value int64  `json:"value"`
}

// Total reports whether the number only grows while the relay runs.
func (m Metric) total() bool { return strings.HasSuffix(m.Name, "_total") }

// writeMetrics writes the numbers in Prometheus' text format.
func writeMetrics(w io.Writer, all []Metric) error {
	for _, m := range all {
		kind := "gauge"
		if m.total() {
			kind = "counter"
		}
		name := "restante_" + m.Name
		if _, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", name, m.About, name, kind, name, m.Value); err != nil {
			return err
		}
	}
	return nil
}

// text writes the number for people.
func (m Metric) text() string {
	if strings.Contains(m.Name, "_bytes") {
		return formatSize(m.Value)
	}
	return fmt.Sprint(m.Value)
}
