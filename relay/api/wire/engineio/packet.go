package engineio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"restante/relay/api/wire/line"
)

// Packet types, the first byte of a packet as text.
const (
	packetOpen    = '0'
	packetClose   = '1'
	packetPing    = '2'
	packetPong    = '3'
	packetMessage = '4'
	packetUpgrade = '5'
	packetNoop    = '6'
	packetBase64  = 'b' // a binary message where only text goes
)

// separator stands between the packets of one payload.
const separator = 0x1e

// A packet is what a client sent.
type packet struct {
	kind   byte // never packetBase64
	data   []byte
	binary bool
}

var (
	errPacket = errors.New("engineio: not a packet")
	errMany   = errors.New("engineio: too many packets")
)

// decode reads a packet in its text form. Only what clients may send is one.
func decode(b []byte) (p packet, err error) {
	if len(b) == 0 {
		return p, errPacket
	}
	switch b[0] {
	case packetClose, packetPong, packetMessage, packetUpgrade, packetNoop:
		return packet{kind: b[0], data: b[1:]}, nil
	case packetBase64:
		data := make([]byte, base64.StdEncoding.DecodedLen(len(b)-1))
		n, err := base64.StdEncoding.Strict().Decode(data, b[1:])
		if err != nil || bytes.ContainsAny(b, "\r\n") {
			return p, errPacket
		}
		return packet{kind: packetMessage, data: data[:n], binary: true}, nil
	}
	return p, errPacket
}

// decodePayload reads the body of a POST: all of its packets, or none.
func decodePayload(body []byte, most int) ([]packet, error) {
	if !utf8.Valid(body) {
		return nil, errPacket
	}
	n := bytes.Count(body, []byte{separator}) + 1
	if n > most {
		return nil, errMany
	}
	packets := make([]packet, 0, n)
	for part := range bytes.SplitSeq(body, []byte{separator}) {
		p, err := decode(part)
		if err != nil {
			return nil, err
		}
		packets = append(packets, p)
	}
	return packets, nil
}

// appendText appends a frame in its text form.
func appendText(dst []byte, f line.Frame) []byte {
	if !f.Binary {
		return append(dst, f.Data...)
	}
	return base64.StdEncoding.AppendEncode(append(dst, packetBase64), f.Data)
}
