package sama

import (
	"sync"

	"restante/relay"
	"restante/relay/api/wire"
)

// An attention knows, in memory only, the connections of each device and how
// many of them are marked inactive: a phone keeps its connection for a while
// when nobody looks at it any more.
type attention struct {
	mu sync.Mutex
	of map[relay.ID]map[string]connections // by device; guarded by mu
}

type connections struct{ all, inactive int }

// count adds to what is known of a device, and forgets it with its last
// connection.
func (t *attention) count(c relay.Caller, all, inactive int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	devices := t.of[c.Account]
	n := devices[c.Device]
	n.all, n.inactive = n.all+all, n.inactive+inactive
	if n.all > 0 {
		if devices == nil {
			devices = map[string]connections{}
			if t.of == nil {
				t.of = map[relay.ID]map[string]connections{}
			}
			t.of[c.Account] = devices
		}
		devices[c.Device] = n
		return
	}
	if delete(devices, c.Device); len(devices) == 0 {
		delete(t.of, c.Account)
	}
}

// inactive returns the devices of an account that are connected, and all of
// whose connections are marked inactive.
func (t *attention) inactive(who relay.ID) (devices []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for device, n := range t.of[who] {
		if n.all == n.inactive {
			devices = append(devices, device)
		}
	}
	return devices
}

// setInactive marks the connection, or takes the mark back.
func (k *session) setInactive(inactive bool) {
	switch {
	case inactive && !k.inactive:
		k.a.attention.count(k.who.caller, 0, 1)
	case !inactive && k.inactive:
		k.a.attention.count(k.who.caller, 0, -1)
	}
	k.inactive = inactive
}

type activityStatusIn struct {
	Inactive *bool `json:"isInactive"`
}

// setActivity says whether somebody looks at the device. To others he is online
// all the same; a device that nobody looks at is pushed to as if it were away.
// The mark ends with the connection.
func (a *api) setActivity(c *wire.Call, tx *relay.Tx, in activityStatusIn) (success, error) {
	if in.Inactive == nil {
		return success{}, errShape
	}
	sessionOf(c).setInactive(*in.Inactive)
	return yes, nil
}
