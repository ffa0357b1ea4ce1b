// Command load drives a running relay over HTTP and prints how fast it is and how much memory and disk it takes.
//
//	go build -o /tmp/restante . && go run ./scripts/load -relay /tmp/restante [-check] [-- flags for the relay]
//	go run ./scripts/load -url 127.0.0.1:8080 -pid $(pidof restante) -state /var/lib/restante
//
// A figure of posts per second says more about the machine than about the relay. So in the same run, in turns, the
// same client drives the floor: a bare net/http handler that decodes the same requests and stores nothing (floor.go).
// What is printed first is the relay's share of that; the share is what bars.go holds against the goals.
//
// A relay started by this program gets a fresh state directory, and no rate limits, for every workload. One that is
// reached by -url must run with --limits off, and is left with the accounts and messages of the run.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A config is the command line.
type config struct {
	relay, url, state, dir string
	pid                    int
	args                   []string // for the relay
	only                   []string
	senders                []int
	seconds                time.Duration // per cell
	rounds                 int
	waiters, large         int
	client                 string // for posts and page
	json, check            bool
}

// A workload drives both servers in one way and reports.
type workload struct {
	name string
	run  func(*bench) error
}

var workloads = []workload{
	{"posts", runPosts},
	{"wake", runWake},
	{"waiters", runWaiters},
	{"page", runPage},
	{"bytes", runBytes},
}

func main() {
	log.SetFlags(0)
	if len(os.Args) == 3 && os.Args[1] == "floor" {
		serveFloor(os.Args[2])
	}
	cfg, err := parse()
	if err != nil {
		log.Fatal("load: ", err)
	}
	missed, err := run(cfg)
	if err != nil {
		log.Fatal("load: ", err)
	}
	if missed && cfg.check {
		os.Exit(1)
	}
}

func parse() (config, error) {
	var cfg config
	var only, senders string
	var seconds float64
	flag.StringVar(&cfg.relay, "relay", "", "start this relay `binary`; what follows the flags is passed to it")
	flag.StringVar(&cfg.url, "url", "", "drive the relay at this `address` instead")
	flag.IntVar(&cfg.pid, "pid", 0, "with -url: the relay's process, for its memory and what it writes")
	flag.StringVar(&cfg.state, "state", "", "with -url: its state directory, for the disk's counter")
	flag.StringVar(&cfg.dir, "dir", "", "with -relay: keep state in this `directory`, on the disk to be measured")
	flag.StringVar(&only, "only", "", "comma-separated `workloads` of "+strings.Join(names(), ", "))
	flag.StringVar(&senders, "senders", "1,16,64,256", "how many send at once, for posts")
	flag.Float64Var(&seconds, "seconds", 3, "length of a cell")
	flag.IntVar(&cfg.rounds, "rounds", 3, "how often each cell is measured")
	flag.IntVar(&cfg.waiters, "waiters", 10_000, "how many wait at once, for waiters")
	flag.IntVar(&cfg.large, "large", 100_000, "messages in the large group, for page")
	flag.StringVar(&cfg.client, "client", goClient, "who posts and polls: "+goClient+", a client of net/http, or "+leanClient)
	flag.BoolVar(&cfg.json, "json", false, "print JSON instead of tables")
	flag.BoolVar(&cfg.check, "check", false, "exit with 1 if a bar is missed")
	flag.Parse()
	cfg.args = flag.Args()
	cfg.seconds = time.Duration(seconds * float64(time.Second))
	cfg.url = strings.TrimSuffix(strings.TrimPrefix(cfg.url, "http://"), "/")
	return cfg, cfg.fill(only, senders)
}

// fill reads the two lists and checks what flag cannot.
func (cfg *config) fill(only, senders string) error {
	if (cfg.relay == "") == (cfg.url == "") {
		return fmt.Errorf("give either -relay or -url")
	}
	if cfg.seconds <= 0 || cfg.rounds < 1 || cfg.waiters < 1 || cfg.large < smallGroup {
		return fmt.Errorf("-seconds, -rounds and -waiters must be positive, -large at least %d", smallGroup)
	}
	if cfg.client != goClient && cfg.client != leanClient {
		return fmt.Errorf("-client: no client %q", cfg.client)
	}
	for s := range strings.SplitSeq(senders, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 4096 {
			return fmt.Errorf("-senders: %q is no number from 1 to 4096", s)
		}
		cfg.senders = append(cfg.senders, n)
	}
	cfg.only = names()
	if only != "" {
		cfg.only = strings.Split(only, ",")
	}
	for _, name := range cfg.only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("-only: no workload %q", name)
		}
	}
	return nil
}

func names() []string {
	var all []string
	for _, w := range workloads {
		all = append(all, w.name)
	}
	return all
}

// run measures what was asked for, and tells whether a bar was missed.
func run(cfg config) (missed bool, err error) {
	b := &bench{cfg: cfg, report: newReport(os.Stdout, cfg.json)}
	defer b.close()
	// A reader of our output that ends early ("| head") must not leave the servers running.
	signal.Ignore(syscall.SIGPIPE)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		b.close()
		os.Exit(130)
	}()
	b.report.note("%s, %d CPUs, %d rounds of %v a cell; ratios are medians of the rounds' ratios",
		runtime.Version(), runtime.NumCPU(), cfg.rounds, cfg.seconds)
	if load, disturbs := busy(); disturbs {
		b.report.note("the machine was busy before this began (load %.1f): the shares of the floor come out too low", load)
	}
	for _, w := range workloads {
		if !slices.Contains(cfg.only, w.name) {
			continue
		}
		if err := w.run(b); err != nil {
			return false, fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return b.report.finish()
}
