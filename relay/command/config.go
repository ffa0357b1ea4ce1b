package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"restante/relay/api/chatalot"
	"restante/relay/api/dishis"
	"restante/relay/api/jetico"
	"restante/relay/api/sama"
)

// A Config is what an operator decides. Every field is a row of settings.
type Config struct {
	State           string
	Listen          []string
	UnixMode        fs.FileMode
	Names           []string
	TrustProxy      []string
	Limits          bool
	Registration    string
	Retention       time.Duration
	RoomRetention   time.Duration
	LongpollTimeout time.Duration
	MaxCryptoData   int64
	MaxContent      int64
	MaxBody         int64 // or auto
	PageEntries     int
	PageBytes       int64
	BoxEntries      int
	BoxBytes        int64
	MaxSize         int64 // 0: as large as the disk allows
	Reserve         int64 // auto, or 0 for none
	Journal         int64 // of each of its two files; negative for none
	MaxWaiters      int
	MaxConnections  int // or auto
	SyncFreelist    bool
	LogLevel        string
	PublicURL       string
	Crossing        bool
	Origins         []string
	Outgoing        string
	CodeCommand     string
	ListenSAMA      []string
	ListenDishIs    []string
	ListenJetico    []string
	ListenChatalot  []string
	ListenTrusting  []string
	MaxFile         int64
	FileQuota       int64
	KeepAddresses   bool
	SAMA            sama.Options
	DishIs          dishis.Options
	Jetico          jetico.Options
	Chatalot        chatalot.Options

	// Of single commands, and not in the environment.
	JSON    bool
	Uses    int
	Expires time.Duration
}

// auto is what a size is when the program is to find it.
const auto = -1

// stateSetting is the one setting that most commands share.
var stateSetting = one("state", "directory", "",
	"where everything is kept; by default $STATE_DIRECTORY, else $XDG_STATE_HOME/restante, else ~/.local/state/restante",
	parseText, func(c *Config) *string { return &c.State })

// settings is all that can be configured, in the order of the help.
var settings = []setting{
	stateSetting,
	many("listen", "address", "127.0.0.1:8080", "where to serve: host:port or unix:/path",
		parseAddress, func(c *Config) *[]string { return &c.Listen }),
	familyListen("sama", func(c *Config) *[]string { return &c.ListenSAMA }),
	familyListen("dishis", func(c *Config) *[]string { return &c.ListenDishIs }),
	familyListen("jetico", func(c *Config) *[]string { return &c.ListenJetico }),
	familyListen("chatalot", func(c *Config) *[]string { return &c.ListenChatalot }),
	many("listen-dishis-trusting", "address", "", "where dishis believes callers who bring no token; for old clients, where only they can reach it",
		parseAddress, func(c *Config) *[]string { return &c.ListenTrusting }),
	one("unix-mode", "permissions", "0600", "of the unix sockets that --listen names; 0660 lets their group in",
		parseMode, func(c *Config) *fs.FileMode { return &c.UnixMode }),
	many("name", "host name", "", "a name this relay is called by, besides loopback names, IP addresses and .onion names",
		parseHost, func(c *Config) *[]string { return &c.Names }),
	many("trust-proxy", "address", "", "the --listen address of a reverse proxy, whose X-Forwarded-For is believed there",
		parseAddress, func(c *Config) *[]string { return &c.TrustProxy }),
	one("public-url", "URL", "", "where --listen is reached, for addresses in answers; without it they are made from the request's Host",
		parseBase, func(c *Config) *string { return &c.PublicURL }),
	many("origin", "URL", "", "a web origin, such as https://chat.example.org, whose pages may use the relay; without it only its own may",
		parseOrigin, func(c *Config) *[]string { return &c.Origins }),
	one("outgoing", "on, off or proxy", "off", "requests to other servers (web push, link previews): on, or through a SOCKS proxy such as socks5://127.0.0.1:9050",
		parseOutgoing, func(c *Config) *string { return &c.Outgoing }),
	one("code-command", "path", "", "the program that delivers one-time codes: it reads family, purpose, address and code, a line each; without it see restante codes",
		parseProgram, func(c *Config) *string { return &c.CodeCommand }),
	one("limits", "on or off", "on", "limits of rate and share; off is for benchmarks and tests",
		parseSwitch, func(c *Config) *bool { return &c.Limits }),
	one("crossing", "on or off", "on", "messages between users of different families; off keeps each to its own",
		parseSwitch, func(c *Config) *bool { return &c.Crossing }),
	one("registration", "open, invite or closed", "open", "who may register: anybody, holders of an invite, nobody",
		parseOneOf("open", "invite", "closed"), func(c *Config) *string { return &c.Registration }),
	one("retention", "duration", "30d", "how long mailboxes and open groups keep a message; 0 is for ever",
		parseDuration, func(c *Config) *time.Duration { return &c.Retention }),
	one("room-retention", "duration", "0", "the same for rooms with members; 0 is for ever",
		parseDuration, func(c *Config) *time.Duration { return &c.RoomRetention }),
	one("longpoll-timeout", "duration", "60s", "how long a long-poll waits before its empty answer",
		positive(parseDuration), func(c *Config) *time.Duration { return &c.LongpollTimeout }),
	one("max-crypto-data", "size", "16KiB", "the largest cryptoData",
		positive(parseSize), func(c *Config) *int64 { return &c.MaxCryptoData }),
	one("max-content", "size", "256KiB", "the largest encContent",
		positive(parseSize), func(c *Config) *int64 { return &c.MaxContent }),
	one("max-body", "size or auto", "auto", "the largest request body; auto is twice --max-content and 64KiB",
		parseSizeOr("auto"), func(c *Config) *int64 { return &c.MaxBody }),
	one("page-entries", "number", "1000", "entries in one answer",
		parseCount, func(c *Config) *int { return &c.PageEntries }),
	one("page-bytes", "size", "4MiB", "bytes of entries in one answer",
		positive(parseSize), func(c *Config) *int64 { return &c.PageBytes }),
	one("box-entries", "number", "100000", "entries that one mailbox or group holds",
		parseCount, func(c *Config) *int { return &c.BoxEntries }),
	one("box-bytes", "size", "256MiB", "bytes that one mailbox or group holds",
		positive(parseSize), func(c *Config) *int64 { return &c.BoxBytes }),
	one("max-size", "size or 0", "0", "the largest store file; 0 is as large as the disk allows",
		parseSize, func(c *Config) *int64 { return &c.MaxSize }),
	one("reserve", "size, auto or 0", "auto", "disk space to keep free: auto is 5 % of the disk, 1 GiB at most; 0 is none",
		parseSizeOr("auto"), func(c *Config) *int64 { return &c.Reserve }),
	one("journal", "size or off", "16MiB", "size of each of the journal's two files, which make a commit one write; off is the store's file alone",
		positive(parseSizeOr("off")), func(c *Config) *int64 { return &c.Journal }),
	one("max-waiters", "number", "10000", "long-polls that may wait at once",
		parseCount, func(c *Config) *int { return &c.MaxWaiters }),
	one("max-connections", "number or auto", "auto", "connections that may be open at once; auto is what the limit on open files allows, 16,384 at most",
		parseCountOrAuto, func(c *Config) *int { return &c.MaxConnections }),
	one("sync-freelist", "on or off", "off", "write the list of free pages with each commit: a faster start of a large store, slower writing",
		parseSwitch, func(c *Config) *bool { return &c.SyncFreelist }),
	one("log-level", "level", "info", "debug, info, warn, error or off",
		parseOneOf("debug", "info", "warn", "error", "off"), func(c *Config) *string { return &c.LogLevel }),

	one("max-file", "size", "100MiB", "the largest file that may be uploaded; dishis takes half of it",
		positive(parseSize), func(c *Config) *int64 { return &c.MaxFile }),
	one("file-quota", "size", "500MiB", "bytes that the files of one user may have in all",
		positive(parseSize), func(c *Config) *int64 { return &c.FileQuota }),
	one("keep-addresses", "on or off", "off", "whether chatalot's sessions and audit log keep the network addresses of callers",
		parseSwitch, func(c *Config) *bool { return &c.KeepAddresses }),
	one("sama-dialect", "seed, sdk or auto", "auto", "the answers in which the two kinds of clients differ; auto goes by how one logs in",
		parseOneOf("seed", "sdk", "auto"), func(c *Config) *string { return &c.SAMA.Dialect }),
	many("sama-organization", "id", "default", "an organization that clients may name",
		parseText, func(c *Config) *[]string { return &c.SAMA.Organizations }),
	one("sama-hide-contacts", "on or off", "off", "show the e-mail address and phone number of a user to nobody else",
		parseSwitch, func(c *Config) *bool { return &c.SAMA.HideContacts }),
	one("sama-search-min", "number", "1", "characters that a search for users needs",
		parseCount, func(c *Config) *int { return &c.SAMA.SearchMin }),
	one("sama-plain-cookie", "on or off", "off", "send the refresh cookie over plain http, too",
		parseSwitch, func(c *Config) *bool { return &c.SAMA.PlainCookie }),
	one("sama-cookie-site", "lax, strict or none", "lax", "SameSite of that cookie",
		parseOneOf("lax", "strict", "none"), func(c *Config) *string { return &c.SAMA.CookieSite }),
	one("sama-vapid-key", "file", "", "private key for web push (base64url); without it none is sent",
		parseSecret, func(c *Config) *string { return &c.SAMA.VAPIDKey }),
	one("sama-vapid-subject", "URL", "", "mailto: or https: address that push services may complain to",
		parseText, func(c *Config) *string { return &c.SAMA.VAPIDSubject }),
	one("dishis-legacy-events", "on or off", "off", "send events under the names of an older client as well",
		parseSwitch, func(c *Config) *bool { return &c.DishIs.LegacyEvents }),
	one("jetico-history", "on or off", "off", "whether somebody who is added to a conversation sees what was said before",
		parseSwitch, func(c *Config) *bool { return &c.Jetico.HistoryAll }),
	one("jetico-plain-events", "on or off", "off", "leave out event messages that the vendor's protocol does not show, for clients that refuse names they do not know",
		parseSwitch, func(c *Config) *bool { return &c.Jetico.PlainEvents }),
	one("jetico-open-downloads", "on or off", "off", "serve files to whoever knows their address",
		parseSwitch, func(c *Config) *bool { return &c.Jetico.OpenDownloads }),
	one("jetico-android-url", "URL", "", "where the Android app is to be had",
		parseText, func(c *Config) *string { return &c.Jetico.AndroidURL }),
	one("jetico-support-id", "userId", "", "whom clients name as support",
		parseText, func(c *Config) *string { return &c.Jetico.SupportID }),
	one("jetico-admin-id", "userId", "", "whom clients name as administrator",
		parseText, func(c *Config) *string { return &c.Jetico.AdminID }),
	one("chatalot-web", "directory", "", "the static files of chatalot's web client, served beside its API",
		parseDirectory, func(c *Config) *string { return &c.Chatalot.Web }),
	one("chatalot-legal", "directory", "", "privacy.md and terms.md, which chatalot's client shows",
		parseDirectory, func(c *Config) *string { return &c.Chatalot.Legal }),
	one("chatalot-communities", "admin_only or open", "admin_only", "who may make a community",
		parseOneOf("admin_only", "open"), func(c *Config) *string { return &c.Chatalot.Communities }),
	one("chatalot-ice-servers", "file", "", "JSON array of ICE servers for calls",
		parseSecret, func(c *Config) *string { return &c.Chatalot.ICEServers }),
	one("chatalot-giphy-key", "file", "", "key that turns the GIF search on; needs --outgoing",
		parseSecret, func(c *Config) *string { return &c.Chatalot.GiphyKey }),
	one("chatalot-link-previews", "on or off", "off", "fetch pages that users name; needs --outgoing",
		parseSwitch, func(c *Config) *bool { return &c.Chatalot.LinkPreviews }),
	one("chatalot-feedback-repo", "owner/name", "", "GitHub repository whose issues feedback becomes; without it feedback is kept here",
		parseText, func(c *Config) *string { return &c.Chatalot.FeedbackRepo }),
	one("chatalot-feedback-token", "file", "", "token for that repository; needs --outgoing",
		parseSecret, func(c *Config) *string { return &c.Chatalot.FeedbackToken }),
}

// familyListen is where one family is served by itself.
func familyListen(family string, at func(*Config) *[]string) setting {
	return many("listen-"+family, "address", "", "where "+family+" alone is served, at the root, for clients that expect it there", parseAddress, at)
}

// familyListens returns where families are served by themselves.
func (c Config) familyListens() map[string][]string {
	return map[string][]string{"sama": c.ListenSAMA, "dishis": c.ListenDishIs, "dishis-trusting": c.ListenTrusting, "jetico": c.ListenJetico, "chatalot": c.ListenChatalot}
}

// StorePath returns where the store's file is.
func (c Config) StorePath() string { return filepath.Join(c.State, "restante.db") }

// adminPath returns where the admin socket is.
func (c Config) adminPath() string { return filepath.Join(c.State, "admin.sock") }

// findState settles the state directory where no flag did, and makes it an
// absolute path.
func (c *Config) findState(getenv func(string) string) (err error) {
	if c.State == "" {
		c.State, err = defaultState(getenv)
	}
	if err == nil {
		c.State, err = filepath.Abs(c.State)
	}
	return err
}

// defaultState is the state directory that the system's conventions name.
func defaultState(getenv func(string) string) (string, error) {
	// systemd lists several directories with colons between; the first is ours.
	if dir, _, _ := strings.Cut(getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir, nil
	}
	if dir := getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "restante"), nil
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "restante"), nil
	}
	return "", usagef("nowhere to keep things: HOME is not set, so say --state DIR")
}

// makeState creates the state directory where it is missing, and refuses one
// that others on this machine can look into. An empty one is taken as made for
// this, and closed to them; what holds other things is not for us to change.
func (c *Config) makeState() error {
	if err := os.MkdirAll(c.State, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	info, err := os.Stat(c.State)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if info.Mode().Perm()&0o077 == 0 || !privateModes {
		return nil
	}
	inside, err := os.ReadDir(c.State)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if len(inside) > 0 {
		return fmt.Errorf("others on this machine can look into the state directory %s; run: chmod 700 %s", c.State, c.State)
	}
	return os.Chmod(c.State, 0o700)
}

// haveStore reports whether the state directory holds a store; commands that
// only look at one must not make one.
func (c *Config) haveStore() error {
	_, err := os.Stat(c.StorePath())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no relay in %s; say --state DIR if it is elsewhere", c.State)
	}
	return err
}

// parseCountOrAuto reads a whole number above zero, or auto.
func parseCountOrAuto(s string) (int, error) {
	if s == "auto" {
		return auto, nil
	}
	n, err := parseCount(s)
	if err != nil {
		return 0, fmt.Errorf("%w, nor auto", err)
	}
	return n, nil
}
