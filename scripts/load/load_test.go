package main

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// connect returns a connection of ours to a handler behind net/http.
func connect(t *testing.T, h http.Handler) *conn {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := dial(strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func TestConn_Replies(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	mux := http.NewServeMux()
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, long) })
	mux.HandleFunc("/refused", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such group", 404) })
	c := connect(t, mux)
	// One connection for all: each reply must be read to its very end.
	for range 3 {
		for _, tt := range []struct{ path, want, wantErr string }{
			{"/empty", "", ""},
			{"/chunked", long, ""},
			{"/refused", "", "404 Not Found: no such group"},
		} {
			body, err := c.do(request(tt.path, []byte("{}")))
			if tt.wantErr != "" {
				if err == nil || err.Error() != tt.wantErr {
					t.Errorf("%s: error %v, want %s", tt.path, err, tt.wantErr)
				}
				continue
			}
			if err != nil || string(body) != tt.want {
				t.Errorf("%s: %d bytes, %v, want %d", tt.path, len(body), err, len(tt.want))
			}
		}
	}
}

func TestConn_Readable(t *testing.T) {
	f := newFloor()
	waits, rings := connect(t, f), connect(t, f)
	a := account{strings.Repeat("a", 32), strings.Repeat("b", 64)}
	if err := waits.send(longPoll(a, "g", 0)); err != nil {
		t.Fatal(err)
	}
	if waits.readable() {
		t.Fatal("readable before anything was answered")
	}
	if _, err := rings.do(post("/postgroup", a, "g", "x")); err != nil {
		t.Fatal(err)
	}
	if body, err := waits.reply(); err != nil || string(body) != "g" {
		t.Fatalf("woken with %q, %v", body, err)
	}
}

func TestFloor_Page(t *testing.T) {
	c := connect(t, newFloor())
	want := bytes.Repeat([]byte("x"), 5000)
	if _, err := c.do(request("/page", want)); err != nil {
		t.Fatal(err)
	}
	got, err := c.do(pollGroup(account{}, "g", 7))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, tt := range []struct {
		name   string
		sorted []int
		p      int
		want   int
	}{
		{"none", nil, 50, 0},
		{"one", []int{7}, 99, 7},
		{"three", []int{1, 2, 3}, 50, 2},
		{"p50 of 100", hundred, 50, 50},
		{"p99 of 100", hundred, 99, 99},
	} {
		if got := percentile(tt.sorted, tt.p); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestJudge(t *testing.T) {
	verdicts := map[string]string{}
	for _, j := range judge(map[string]float64{
		"posts.1.ratio":      0.35,
		"posts.64.ratio":     0.64,
		"posts.64.p99_ratio": 1.6,
		"wake.p99_ratio":     math.NaN(),
		"page.growth":        1.2,
	}) {
		verdicts[j.Name] = j.Verdict
	}
	for _, tt := range []struct{ name, want string }{
		{"one sender, of the floor", verdictGood},
		{"64 senders, of the floor", verdictMissed},
		{"64 senders, p99 to the floor's", verdictMissed},
		{"post to waiter, p99 to the floor's", verdictMissed},
		{"ten entries, large group to small", verdictGood},
		{"ten entries, large group to the floor", verdictNone},
	} {
		if verdicts[tt.name] != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, verdicts[tt.name], tt.want)
		}
	}
}

func TestReadMemory_Field(t *testing.T) {
	text := []byte("VmHWM:\t  999 kB\nVmRSS:\t  123 kB\nRssAnon:\t 45 kB\n")
	if got := field(text, "VmRSS:"); got != 123 {
		t.Errorf("VmRSS: got %d", got)
	}
	if got := field(text, "Nothing:"); got != 0 {
		t.Errorf("absent: got %d", got)
	}
}

func TestNewCell(t *testing.T) {
	c := newCell([]time.Duration{3, 1, 2}, time.Second)
	if c.posts != 3 || c.perSecond != 3 || c.p50 != 2 || c.p99 != 3 {
		t.Errorf("got %+v", c)
	}
}
