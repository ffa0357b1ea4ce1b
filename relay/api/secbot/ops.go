package secbot

import (
	"cmp"
	"time"

	"restante/relay/api/wire"
)

// family is the name under which accounts of this API are kept.
const family = "secbot"

// Config is what an operator decides about this API. Zero values mean the
// defaults in brackets.
type Config struct {
	MaxCryptoData int           // bytes of cryptoData (16 KiB)
	MaxContent    int           // bytes of encContent (256 KiB)
	MaxBody       int64         // bytes of a request (twice MaxContent and 64 KiB)
	PageEntries   int           // entries of one answer (1,000)
	PageBytes     int           // bytes of one answer, as stored (4 MiB)
	LongPoll      time.Duration // how long /longpoll waits (60 s)
	Registration  string        // "open", "invite" or "closed" ("open")
}

func (c Config) withDefaults() Config {
	c.MaxCryptoData = cmp.Or(c.MaxCryptoData, 16<<10)
	c.MaxContent = cmp.Or(c.MaxContent, 256<<10)
	c.MaxBody = cmp.Or(c.MaxBody, int64(2*max(c.MaxContent, c.MaxCryptoData)+64<<10))
	c.PageEntries = cmp.Or(c.PageEntries, 1000)
	c.PageBytes = cmp.Or(c.PageBytes, 4<<20)
	c.LongPoll = cmp.Or(c.LongPoll, time.Minute)
	c.Registration = cmp.Or(c.Registration, "open")
	return c
}

// Family returns the API as an operator configured it.
func Family(cfg Config) wire.Family {
	a := api{cfg.withDefaults()}
	return wire.Family{
		Name:    family,
		About:   "the relay's own: eleven POST endpoints for curl",
		Ops:     a.ops(),
		Dialect: dialect,
		MaxBody: a.cfg.MaxBody,
	}
}

// An api is the handlers with their configuration.
type api struct{ cfg Config }

// ops is the whole API, in the order of its document.
func (a api) ops() []wire.Op {
	return []wire.Op{
		wire.Row("POST /register", wire.Anyone, wire.Free(a.register), "a new account: its id and its token"),
		wire.Row("POST /register2", wire.User, wire.Write(a.registerGroup), "a new group; who knows its id may post and poll").NamesNobody(),
		wire.Row("POST /receive", wire.User, wire.Free(a.receive), "the caller's mailbox since a cursor").NamesNobody(),
		wire.Row("POST /connect", wire.User, wire.Write(a.connect), "a friend request with the caller's key, to a user"),
		wire.Row("POST /connect2", wire.User, wire.Write(a.connectBack), "the answer to a friend request"),
		wire.Row("POST /postmsg", wire.User, wire.Write(a.postMessage), "a sealed message to a user"),
		wire.Row("POST /groupinv", wire.User, wire.Write(a.inviteToGroup), "a group's sealed key, to a user"),
		wire.Row("POST /postgroup", wire.User, wire.Write(a.postGroup), "a sealed message to a group"),
		wire.Row("POST /pollgroup", wire.User, wire.Read(a.pollGroup), "a group since a cursor"),
		wire.Row("POST /pollgroups", wire.User, wire.Read(a.pollGroups), "several groups since one cursor, merged"),
		wire.Row("POST /longpoll", wire.User, wire.Free(a.longPoll), "wait for the next entry in any of several groups"),
	}
}
