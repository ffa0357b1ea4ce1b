package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// errLost means that the connection broke because the relay was killed: the request was done, or it was not.
var errLost = errors.New("the answer was lost")

// answerTime is far more than any answer takes, a long-poll's minute included.
const answerTime = 2 * time.Minute

// An account is what /register gives.
type account struct {
	ID    string `json:"userId"`
	Token string `json:"authToken"`
}

// A message is an entry as the relay shows it.
type message struct {
	To        string `json:"toId"`
	Body      string `json:"encContent"`
	Timestamp int64  `json:"timestamp"`
}

// A client is one account's connections to the relay, over its lives.
type client struct {
	house *house
	who   account
	addr  string
	life  int
	http  *http.Client
}

func newClient(h *house, who account) *client {
	c := &client{house: h, who: who}
	c.connect()
	return c
}

// connect turns to the relay of now, with no connection left of before.
func (c *client) connect() {
	c.addr, c.life = c.house.address()
	c.http = &http.Client{Transport: &http.Transport{}, Timeout: answerTime}
}

// reconnect waits for the next life.
func (c *client) reconnect(ctx context.Context) error {
	if err := c.house.after(ctx, c.life); err != nil {
		return err
	}
	c.http.CloseIdleConnections()
	c.connect()
	return nil
}

// object is a request's body.
type object map[string]any

// call posts a request and returns the answer to it. It returns errLost only if the relay was killed meanwhile.
func (c *client) call(ctx context.Context, path string, in object, headers ...string) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.addr+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	status, answer, err := c.roundTrip(req)
	if err != nil {
		if c.house.excuses(c.life) {
			return nil, errLost
		}
		return nil, fmt.Errorf("%s, with the relay running: %w", path, err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %s", path, status, bytes.TrimSpace(answer))
	}
	return answer, nil
}

func (c *client) roundTrip(req *http.Request) (int, []byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, errors.Join(err, resp.Body.Close())
}

// ask is call with an answer in JSON.
func (c *client) ask(ctx context.Context, path string, in object, out any) error {
	answer, err := c.call(ctx, path, in)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (c *client) register(ctx context.Context) (a account, err error) {
	return a, c.ask(ctx, "/register", object{}, &a)
}

func (c *client) newGroup(ctx context.Context) (string, error) {
	var out struct {
		GroupID string `json:"groupId"`
	}
	err := c.ask(ctx, "/register2", object{"userId": c.who.ID, "authToken": c.who.Token}, &out)
	return out.GroupID, err
}

func (c *client) post(ctx context.Context, p *post) error {
	var headers []string
	if p.key != "" {
		headers = []string{"Idempotency-Key", p.key}
	}
	_, err := c.call(ctx, p.path, object{
		"fromUserId": c.who.ID, "authToken": c.who.Token, "toId": p.box, "encContent": p.body,
	}, headers...)
	return err
}

// poll is the body of all that reads.
func (c *client) poll(groups []string, after int64) object {
	in := object{"userId": c.who.ID, "authToken": c.who.Token, "lastMessageTimestamp": after}
	if groups != nil {
		in["groupIds"] = groups
	}
	return in
}

type messages struct {
	Messages []message `json:"messages"`
}

func (c *client) receive(ctx context.Context, after int64) ([]message, error) {
	var out messages
	err := c.ask(ctx, "/receive", c.poll(nil, after), &out)
	return out.Messages, err
}

func (c *client) pollGroups(ctx context.Context, groups []string, after int64) ([]message, error) {
	var out messages
	err := c.ask(ctx, "/pollgroups", c.poll(groups, after), &out)
	return out.Messages, err
}

// longPoll returns the id of what has something new, or nothing after a second.
func (c *client) longPoll(ctx context.Context, groups []string, after int64) (string, error) {
	answer, err := c.call(ctx, "/longpoll", c.poll(groups, after), "Prefer", "wait=1")
	return string(answer), err
}
