package sama

import (
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// A packet is what a client sent, taken apart.
type packet struct {
	key    string // what it stands under: "request", "message", ...
	op     string
	id     jsontext.Value // echoed as it came; nil: none
	params []byte
}

// bare are the packets that stand by themselves, without "request".
var bare = map[string]bool{"message": true, "system_message": true, "typing": true}

// parsePacket takes a packet apart. The order of its members means nothing.
func parsePacket(data []byte) (packet, error) {
	top := map[string]jsontext.Value{}
	if decodeJSON(data, &top) != nil || top == nil {
		return packet{}, errShape
	}
	for key := range bare {
		if params, ok := top[key]; ok {
			p := packet{key: key, op: key, params: params}
			var in struct {
				ID jsontext.Value `json:"id"`
			}
			if decodeJSON(params, &in) == nil {
				p.id = in.ID
			}
			return p, nil
		}
	}
	p := packet{key: "request", id: top["id"]}
	if params, ok := top["ping"]; ok {
		p.op, p.params = "ping", params
		return p, nil
	}
	inner := map[string]jsontext.Value{}
	if raw, ok := top["request"]; ok && (decodeJSON(raw, &inner) != nil || inner == nil) {
		return p, errShape
	}
	if id, ok := inner["id"]; ok {
		p.id = id
		delete(inner, "id")
	}
	if len(inner) > 1 {
		return p, errShape
	}
	for op, params := range inner {
		p.op, p.params = op, params
	}
	return p, nil
}

// fits reports whether an operation came in the envelope that it has.
func (p packet) fits() bool { return bare[p.op] == (p.key != "request") }

// failed renders the failure of a packet, under the key it came with.
func (p packet) failed(err error) []byte {
	key := p.key
	if key == "" || key == "request" {
		key = "response"
	}
	return wire.MustEncode(map[string]any{key: struct {
		ID    jsontext.Value `json:"id,omitzero"`
		Error errorOut       `json:"error"`
	}{p.echo(), newError(err)}})
}

// echo is the id as the client wrote it, if it was one that can be echoed.
func (p packet) echo() jsontext.Value {
	if k := p.id.Kind(); len(p.id) == 0 || k != '"' && k != '0' {
		return nil
	}
	return p.id
}

// answered renders the answer to a packet: a receipt, nothing for typing, else a
// response with the members of out in it.
func (p packet) answered(out any) []byte {
	switch p.key {
	case "typing":
		return nil
	case "message", "system_message":
		return wire.MustEncode(struct {
			Ask any `json:"ask"`
			Ack any `json:"ack"`
		}{out, out})
	}
	members := wire.MustEncode(out)
	b := append([]byte(nil), `{"response":{`...)
	if id := p.echo(); id != nil {
		b = append(append(b, `"id":`...), id...)
		if len(members) > 2 {
			b = append(b, ',')
		}
	}
	return append(append(b, members[1:]...), '}')
}

// decodeJSON reads JSON that came from a client.
func decodeJSON(b []byte, v any) error { return wire.Decode(b, v) }

// A success is the answer of operations that have nothing else to say.
type success struct {
	Success bool `json:"success"`
}

var yes = success{true}

// ping answers a sign of life.
func ping(*wire.Call, *relay.Relay, wire.None) (any, error) {
	return struct {
		Pong struct{} `json:"pong"`
	}{}, nil
}

// health answers who watches over the relay. Which machine it is, is not said.
func health(*wire.Call, *relay.Relay, wire.None) (any, error) {
	return struct {
		Status string `json:"status"`
	}{"ok"}, nil
}
