package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// Packet types, the first byte of a packet.
const (
	packetConnect      = '0'
	packetDisconnect   = '1'
	packetEvent        = '2'
	packetAck          = '3'
	packetConnectError = '4'
	packetBinaryEvent  = '5'
	packetBinaryAck    = '6'
)

// Limits of what a client may send, besides those of the transport.
const (
	maxNamespace = 128 // bytes of a namespace's name
	maxArgs      = 256 // of one event or acknowledgement
	maxDepth     = 32  // of JSON
	maxAckID     = 1<<53 - 1
)

// noID is the acknowledgement id of a packet without one.
const noID = -1

// A packet is one packet without its attachments.
type packet struct {
	kind        byte
	attachments int
	namespace   string
	id          int64
	data        []byte   // the JSON as it came
	list        [][]byte // its elements, where it is an array
}

var errPacket = errors.New("socketio: not a packet")

// decode reads what a client sent: <type>[<attachments>-][<namespace>,][<id>][<JSON>].
// Anything that no client that keeps to the protocol sends is an error.
func decode(b []byte, maxAttachments int) (p packet, err error) {
	if len(b) == 0 {
		return p, errPacket
	}
	p.kind, b = b[0], b[1:]
	if p.binary() {
		if p.attachments, b, err = cutAttachments(b, maxAttachments); err != nil {
			return p, err
		}
	}
	if p.namespace, b, err = cutNamespace(b); err != nil {
		return p, err
	}
	if p.id, b, err = cutID(b); err != nil {
		return p, err
	}
	p.data = b
	return p, p.check()
}

func (p *packet) binary() bool { return p.kind == packetBinaryEvent || p.kind == packetBinaryAck }

func cutAttachments(b []byte, most int) (int, []byte, error) {
	digits, rest, ok := bytes.Cut(b, []byte{'-'})
	if !ok || len(digits) == 0 || len(digits) > 3 || countDigits(digits) != len(digits) {
		return 0, nil, errPacket
	}
	n, _ := strconv.Atoi(string(digits)) // at most three digits
	if n > most {
		return 0, nil, errPacket
	}
	return n, rest, nil
}

// cutNamespace reads a name that ends at the first comma, or at the end.
func cutNamespace(b []byte) (string, []byte, error) {
	if len(b) == 0 || b[0] != '/' {
		return "/", b, nil
	}
	name, rest, _ := bytes.Cut(b, []byte{','})
	if len(name) > maxNamespace {
		return "", nil, errPacket
	}
	return string(name), rest, nil
}

func cutID(b []byte) (int64, []byte, error) {
	n := countDigits(b)
	if n == 0 {
		return noID, b, nil
	}
	id, err := strconv.ParseInt(string(b[:n]), 10, 64)
	if err != nil || id > maxAckID {
		return 0, nil, errPacket
	}
	return id, b[n:], nil
}

func countDigits(b []byte) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}

// check reports whether the packet has what its type wants.
func (p *packet) check() error {
	ok := false
	switch p.kind {
	case packetConnect:
		ok = p.id == noID && (len(p.data) == 0 || p.data[0] == '{' && !tooDeep(p.data) && json.Valid(p.data))
	case packetDisconnect:
		ok = p.id == noID && len(p.data) == 0
	case packetEvent, packetBinaryEvent:
		ok = p.splits() && len(p.list) > 0 && isName(p.list[0])
	case packetAck, packetBinaryAck:
		ok = p.id != noID && p.splits()
	}
	if !ok || p.binary() && !p.placed() {
		return errPacket
	}
	return nil
}

// splits splits the array of a packet into its elements.
func (p *packet) splits() bool {
	if len(p.data) == 0 || p.data[0] != '[' || tooDeep(p.data) || !json.Valid(p.data) {
		return false
	}
	var ok bool
	p.list, ok = splitArray(p.data)
	return ok
}

// splitArray returns the elements of a valid JSON array, unless they are too
// many. They are parts of b.
func splitArray(b []byte) (list [][]byte, ok bool) {
	depth, inString, from := 0, false, 1
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
		if inString || depth > 1 || depth == 1 && c != ',' {
			continue
		}
		if e := bytes.TrimSpace(b[from:i]); len(e) > 0 { // else the array is empty
			list = append(list, e)
		}
		if from = i + 1; depth == 0 || len(list) > maxArgs {
			break
		}
	}
	return list, len(list) <= maxArgs
}

// tooDeep reports whether JSON is nested deeper than anybody means it.
func tooDeep(b []byte) bool {
	if bytes.Count(b, []byte{'{'})+bytes.Count(b, []byte{'['}) <= maxDepth {
		return false // nearly always, and found out much faster
	}
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// reserved are the names that mean something to the library on either side.
var reserved = map[string]bool{
	"connect": true, "connect_error": true, "disconnect": true, "disconnecting": true,
	"newListener": true, "removeListener": true,
}

// isName reports whether a client may name its event so: a string that is not
// reserved, or a number.
func isName(raw []byte) bool {
	name, ok := nameOf(raw)
	return ok && !reserved[name]
}

// nameOf returns the name of an event; a number's is its digits.
func nameOf(raw []byte) (name string, ok bool) {
	if raw[0] == '-' || countDigits(raw) > 0 {
		return string(raw), true
	}
	if raw[0] != '"' || json.Unmarshal(raw, &name) != nil {
		return "", false
	}
	return name, true
}

// placed reports whether every placeholder stands for an attachment there is.
func (p *packet) placed() bool {
	for _, e := range p.list {
		if !bytes.Contains(e, []byte("_placeholder")) {
			continue
		}
		var v any
		if json.Unmarshal(e, &v) != nil || !placed(v, p.attachments) {
			return false
		}
	}
	return true
}

func placed(v any, n int) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if !placed(e, n) {
				return false
			}
		}
	case map[string]any:
		if v["_placeholder"] == true {
			num, ok := v["num"].(float64)
			return ok && num >= 0 && num < float64(n) && num == float64(int(num))
		}
		for _, e := range v {
			if !placed(e, n) {
				return false
			}
		}
	}
	return true
}

// encode renders a packet.
func encode(p packet) []byte {
	b := make([]byte, 0, len(p.namespace)+len(p.data)+24)
	b = append(b, p.kind)
	if p.binary() {
		b = append(strconv.AppendInt(b, int64(p.attachments), 10), '-')
	}
	if p.namespace != "/" {
		b = append(append(b, p.namespace...), ',')
	}
	if p.id != noID {
		b = strconv.AppendInt(b, p.id, 10)
	}
	return append(b, p.data...)
}
