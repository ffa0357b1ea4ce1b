package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// An account is what /register gives.
type account struct {
	ID    string `json:"userId"`
	Token string `json:"authToken"`
}

// setupConns is how many connections prepare a run: enough to share every fsync among many.
const setupConns = 64

// each calls f for every number below n, over some connections at once, and stops at the first error.
func each(addr string, n int, f func(c *conn, i int) error) error {
	var (
		next atomic.Int64
		wg   sync.WaitGroup
		errs = make([]error, min(n, setupConns))
	)
	for w := range errs {
		wg.Go(func() {
			c, err := dial(addr)
			if err != nil {
				errs[w] = err
				return
			}
			defer c.close()
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				if errs[w] = f(c, i); errs[w] != nil {
					next.Store(int64(n))
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// register makes accounts.
func register(addr string, n int) ([]account, error) {
	made := make([]account, n)
	req := request("/register", nil)
	err := each(addr, n, func(c *conn, i int) error { return ask(c, req, &made[i]) })
	if err != nil {
		return nil, fmt.Errorf("register %d accounts: %w", n, err)
	}
	return made, nil
}

// groups makes n groups, each account its share of them in turn: an account may have few writes queued at once.
func groups(addr string, owners []account, n int) ([]string, error) {
	ids := make([]string, n)
	err := each(addr, n, func(c *conn, i int) error {
		var out struct {
			GroupID string `json:"groupId"`
		}
		err := ask(c, request("/register2", encode("User", caller("userId", owners[i%len(owners)]))), &out)
		ids[i] = out.GroupID
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make %d groups: %w", n, err)
	}
	return ids, nil
}

// ask sends a request outside of what is measured, and decodes the answer.
func ask(c *conn, req []byte, into any) error {
	body, err := c.do(req)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// encode puts an object of the API together from members that need no escaping.
func encode(object string, members ...string) []byte {
	return []byte(`{"object":"` + object + `",` + strings.Join(members, ",") + `}`)
}

// caller names who asks; posts call the first member fromUserId, the rest userId.
func caller(member string, a account) string {
	return `"` + member + `":"` + a.ID + `","authToken":"` + a.Token + `"`
}

// post is a /postmsg or /postgroup.
func post(path string, from account, to, content string) []byte {
	return request(path, encode("SendMessage", caller("fromUserId", from), `"toId":"`+to+`"`, `"encContent":"`+content+`"`))
}

// pollGroup asks for what a group got after a time.
func pollGroup(a account, group string, after int64) []byte {
	return request("/pollgroup", encode("PollGroup", caller("userId", a), `"groupId":"`+group+`"`, since(after)))
}

// longPoll waits for the same.
func longPoll(a account, group string, after int64) []byte {
	return request("/longpoll", encode("PollGroups", caller("userId", a), `"groupIds":["`+group+`"]`, since(after)))
}

func since(after int64) string { return fmt.Sprintf(`"lastMessageTimestamp":%d`, after) }

// A page is the answer to /pollgroup, as far as a cursor needs it.
type page struct {
	Messages []struct {
		Timestamp int64 `json:"timestamp"`
	} `json:"messages"`
}

// last returns the time of the youngest message, or the given one if there is none.
func (p page) last(after int64) int64 {
	if n := len(p.Messages); n > 0 {
		return p.Messages[n-1].Timestamp
	}
	return after
}
