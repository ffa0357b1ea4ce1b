package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A cell is what one server did in one stretch of one workload.
type cell struct {
	posts     int
	perSecond float64
	p50, p99  time.Duration
}

// newCell sums up how long each request took.
func newCell(took []time.Duration, elapsed time.Duration) cell {
	slices.Sort(took)
	return cell{
		posts:     len(took),
		perSecond: float64(len(took)) / elapsed.Seconds(),
		p50:       percentile(took, 50),
		p99:       percentile(took, 99),
	}
}

// percentile is the smallest value that p percent of the sorted ones do not exceed.
func percentile[T any](sorted []T, p int) T {
	if len(sorted) == 0 {
		var none T
		return none
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// median of anything ordered; of an even number the lower of the two in the middle.
func median[T cmp.Ordered](of []T) T {
	s := slices.Clone(of)
	slices.Sort(s)
	return percentile(s, 50)
}

// medianOf takes the median of one figure of every round.
func medianOf[C any, T cmp.Ordered](rounds []C, f func(C) T) T {
	all := make([]T, len(rounds))
	for i, r := range rounds {
		all[i] = f(r)
	}
	return median(all)
}

// A pair is one round: the floor's cell and the relay's, run one after the other so that both saw the same machine.
type pair struct{ floor, relay cell }

func perSecondRatio(p pair) float64 { return p.relay.perSecond / p.floor.perSecond }
func p50Ratio(p pair) float64       { return float64(p.relay.p50) / float64(p.floor.p50) }
func p99Ratio(p pair) float64       { return float64(p.relay.p99) / float64(p.floor.p99) }

// A report collects the figures under their names, and prints tables on the way unless only JSON is wanted.
type report struct {
	out     io.Writer
	json    bool
	metrics map[string]float64
}

func newReport(out io.Writer, asJSON bool) *report {
	return &report{out: out, json: asJSON, metrics: map[string]float64{}}
}

func (r *report) set(value float64, name string, args ...any) {
	r.metrics[fmt.Sprintf(name, args...)] = value
}

// table prints rows of cells, the first being the heads.
func (r *report) table(title string, rows [][]string) {
	if r.json {
		return
	}
	fmt.Fprintf(r.out, "\n%s\n", title)
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	// The writer below is the terminal or a file: an error there has no better place to go.
	_ = w.Flush()
}

// note prints a line that is not a figure.
func (r *report) note(format string, args ...any) {
	if !r.json {
		fmt.Fprintf(r.out, format+"\n", args...)
	}
}

// finish prints the bars, or everything as JSON, and tells whether a bar was missed.
func (r *report) finish() (missed bool, err error) {
	judged := judge(r.metrics)
	rows := [][]string{{"bar", "measured", "wanted", ""}}
	for _, j := range judged {
		missed = missed || j.Verdict == verdictMissed
		rows = append(rows, []string{j.Name, j.measured(), j.Wanted, j.Verdict})
	}
	if !r.json {
		r.table("bars", rows)
		return missed, nil
	}
	e := json.NewEncoder(r.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return missed, e.Encode(map[string]any{"metrics": r.metrics, "bars": judged})
}

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", inMillis(d)) }
func whole(f float64) string        { return fmt.Sprintf("%.0f", f) }
func times(f float64) string        { return fmt.Sprintf("%.2fx", f) }
func kib(bytes float64) string      { return fmt.Sprintf("%.1f KiB", bytes/1024) }
