package chatalot

import (
	"cmp"
	"slices"
	"time"

	"restante/relay/api/wire"
)

// family is the name under which accounts and rooms of this API are kept.
const family = "chatalot"

// Options are what an operator decides about this API. Zero values mean the
// defaults in brackets.
type Options struct {
	// Registration is who may register: "open", "invite_only" or "closed"
	// ("invite_only"). Nobody becomes owner by coming first: the operator
	// names one.
	Registration string
	// Communities is who may make a community: "admin_only" or "open"
	// ("admin_only").
	Communities string
	// ICEServers is a JSON array of ICE servers for calls (none).
	ICEServers string
	// MaxFile is how many bytes an uploaded file may have (100 MiB).
	MaxFile int64
	// UploadQuota is how many bytes the files of one user may have in all
	// (500 MiB); negative is unlimited.
	UploadQuota int64
	// Web is the directory of the web client's static files; empty serves none.
	Web string
	// GiphyKey turns the GIF proxy on. GiphyURL is where it asks
	// ("https://api.giphy.com").
	GiphyKey, GiphyURL string
	// LinkPreviews lets the relay fetch pages that its users name (off).
	LinkPreviews bool
	// FeedbackRepo ("owner/name") and FeedbackToken make issues of feedback at
	// FeedbackURL ("https://api.github.com"); without them it is kept here.
	FeedbackRepo, FeedbackToken, FeedbackURL string
	// KeepAddresses has sessions and the audit log keep the address of their
	// caller (off).
	KeepAddresses bool
	// Legal is a directory with privacy.md and terms.md (none).
	Legal string
	// Version is what /api/health says ("0").
	Version string
	// NoLimits lifts the rates of this API, as --limits off does.
	NoLimits bool
}

func (o Options) withDefaults() Options {
	o.Registration = cmp.Or(o.Registration, "invite_only")
	o.Communities = cmp.Or(o.Communities, "admin_only")
	o.MaxFile = cmp.Or(o.MaxFile, 100<<20)
	o.UploadQuota = cmp.Or(o.UploadQuota, 500<<20)
	o.GiphyURL = cmp.Or(o.GiphyURL, "https://api.giphy.com")
	o.FeedbackURL = cmp.Or(o.FeedbackURL, "https://api.github.com")
	o.Version = cmp.Or(o.Version, "0")
	return o
}

// maxBody is how many bytes of JSON one request may have. Files come by rows
// that read their bodies themselves.
const maxBody = 1 << 20

// Family returns the API as an operator configured it.
func Family(o Options) wire.Family { return newAPI(o).family() }

func (a *api) family() wire.Family {
	return wire.Family{
		Name:    family,
		About:   "communities, groups and channels: REST and a WebSocket",
		Ops:     a.ops(),
		Dialect: a.dialect(),
		MaxBody: maxBody,

		FindAccount: findAccount,
		MakeOwner:   makeOwner,
		CORS: &wire.CORS{
			Methods: []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
			Headers: []string{"content-type", "authorization"},
		},
	}
}

// An api is the handlers with their configuration.
type api struct {
	o       Options
	started time.Time
	keys    keys
	rates   rates
	live
}

func newAPI(o Options) *api {
	a := &api{o: o.withDefaults(), started: time.Now(), rates: newRates(o)}
	a.prepare()
	return a
}

// ops is the whole API, in the order of its document. Each noun's rows stand in
// its own file.
func (a *api) ops() []wire.Op {
	return slices.Concat(
		a.authOps(), a.userOps(), a.accountOps(),
		a.communityOps(), a.communityMemberOps(), a.moderationOps(),
		a.groupOps(), a.groupChannelOps(), a.channelOps(), a.channelMemberOps(), a.unreadOps(),
		a.messageOps(), a.searchOps(), a.pinOps(), a.dmOps(),
		a.fileOps(), a.assetOps(), a.emojiOps(), a.keyOps(), a.senderKeyOps(),
		a.totpOps(), a.webhookOps(), a.pollOps(), a.scheduleOps(), a.bookmarkOps(),
		a.announcementOps(), a.feedbackOps(), a.gifOps(), a.previewOps(), a.legalOps(),
		a.adminUserOps(), a.adminInviteOps(), a.purgeOps(), a.adminFileOps(), a.quarantineOps(), a.hashOps(),
		a.auditOps(), a.reportOps(), a.settingsOps(), a.healthOps(),
		a.socketOps(), a.webOps(),
	)
}
