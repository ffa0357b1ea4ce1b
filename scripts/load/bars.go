package main

import "fmt"

// A bar is what one figure must reach. They hold on the machine at hand because nearly all are ratios to the floor.
type bar struct {
	metric string
	least  bool // the figure must be at least the limit, else at most
	limit  float64
	about  string
}

var bars = []bar{
	{"posts.1.ratio", true, 0.35, "one sender, of the floor"},
	{"posts.64.ratio", true, 0.65, "64 senders, of the floor"},
	{"posts.64.p99_ratio", false, 1.5, "64 senders, p99 to the floor's"},
	{"wake.p99_ratio", false, 3, "post to waiter, p99 to the floor's"},
	{"bytes.64.device", false, 5000, "64 senders, bytes to the disk for 1 KiB"},
	{"waiters.kib_each", false, 3, "KiB for an idle waiter"},
	{"waiters.idle_mib", false, 25, "MiB before anybody waits"},
	{"page.growth", false, 1.2, "ten entries, large group to small"},
	{"page.ratio", false, 1.5, "ten entries, large group to the floor"},
}

const (
	verdictGood   = "ok"
	verdictMissed = "MISSED"
	verdictNone   = "not measured"
)

// A judged bar is a bar beside what was measured.
type judged struct {
	Name    string   `json:"name"`
	Value   *float64 `json:"value"` // nil if its workload did not run
	Wanted  string   `json:"wanted"`
	Verdict string   `json:"verdict"`
}

func (j judged) measured() string {
	if j.Value == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *j.Value)
}

// judge holds the figures against the bars.
func judge(metrics map[string]float64) []judged {
	var out []judged
	for _, b := range bars {
		j := judged{Name: b.about, Wanted: fmt.Sprintf("<= %g", b.limit), Verdict: verdictNone}
		if b.least {
			j.Wanted = fmt.Sprintf(">= %g", b.limit)
		}
		if v, ok := metrics[b.metric]; ok {
			j.Value, j.Verdict = &v, b.verdict(v)
		}
		out = append(out, j)
	}
	return out
}

// verdict is written so that a figure that is no number misses.
func (b bar) verdict(v float64) string {
	if b.least && v >= b.limit || !b.least && v <= b.limit {
		return verdictGood
	}
	return verdictMissed
}
