package chatalot

import (
	"bytes"
	"unicode/utf8"

	"restante/relay"
)

// sniffBytes is how much of a file is looked at to tell what it is.
const sniffBytes = 8 << 10

const (
	typeOpaque = "application/octet-stream"
	typeText   = "text/plain"
	typeSVG    = "image/svg+xml"
	typeJPEG   = "image/jpeg"
	typePNG    = "image/png"
	typeGIF    = "image/gif"
	typeWebP   = "image/webp"
)

// A magic is how files of a type begin, or of none that is taken.
type magic struct {
	at    int
	bytes string
	kind  string // "": refused
}

// magics are tried in this order (sheet 9.9).
var magics = []magic{
	{0, "MZ", ""}, {0, "\x7fELF", ""}, {0, "#!", ""},
	{0, "\xfe\xed\xfa\xce", ""}, {0, "\xfe\xed\xfa\xcf", ""}, {0, "\xce\xfa\xed\xfe", ""}, {0, "\xcf\xfa\xed\xfe", ""},
	{0, "\xca\xfe\xba\xbe", ""}, // Mach-O and Java
	{0, "\x89PNG\r\n\x1a\n", typePNG}, {0, "\xff\xd8\xff", typeJPEG},
	{0, "GIF87a", typeGIF}, {0, "GIF89a", typeGIF},
	{0, "BM", "image/bmp"},
	{0, "ID3", "audio/mpeg"}, {0, "\xff\xfb", "audio/mpeg"}, {0, "\xff\xf3", "audio/mpeg"}, {0, "\xff\xf2", "audio/mpeg"},
	{0, "OggS", "audio/ogg"}, {0, "fLaC", "audio/flac"},
	{4, "ftyp", "video/mp4"}, {0, "\x1a\x45\xdf\xa3", "video/webm"},
	{0, "%PDF-", "application/pdf"},
	{0, "PK\x03\x04", "application/zip"}, {0, "PK\x05\x06", "application/zip"},
	{0, "\x1f\x8b", "application/gzip"}, {0, "BZh", "application/x-bzip2"}, {0, "\xfd7zXZ\x00", "application/x-xz"},
	{0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"}, {0, "Rar!\x1a\x07", "application/vnd.rar"},
	{0, "\x00asm", "application/wasm"},
}

// sniff tells from the beginning of a file what it is, whatever its sender
// calls it. Invalid: a program, or nothing that is known.
func sniff(head []byte) (kind string, err error) {
	for _, m := range magics {
		if len(head) >= m.at && bytes.HasPrefix(head[m.at:], []byte(m.bytes)) {
			if m.kind == "" {
				return "", refusedType()
			}
			return m.kind, nil
		}
	}
	if kind := riff(head); kind != "" {
		return kind, nil
	}
	if !isText(head) {
		return "", refusedType()
	}
	switch low := bytes.ToLower(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n")); {
	case bytes.HasPrefix(low, []byte("@echo on")), bytes.HasPrefix(low, []byte("@echo off")):
		return "", refusedType()
	case isSVG(low):
		return typeSVG, nil
	}
	return typeText, nil
}

func refusedType() error {
	return relay.Errorf(relay.Invalid, relay.SubjectBlob, "files of this type are not allowed")
}

// riff tells the types that a RIFF file may have.
func riff(head []byte) string {
	if len(head) < 12 || string(head[:4]) != "RIFF" {
		return ""
	}
	switch string(head[8:12]) {
	case "WEBP":
		return typeWebP
	case "WAVE":
		return "audio/wav"
	}
	return ""
}

// isText reports whether a file begins as UTF-8 without zero bytes. The last
// rune may have been cut in two.
func isText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	if len(head) == sniffBytes {
		for cut := 0; cut < utf8.UTFMax && !utf8.Valid(head); cut++ {
			head = head[:len(head)-1]
		}
	}
	return utf8.Valid(head)
}

// isSVG reports whether a text, in lower case, is a picture: its first element
// is svg.
func isSVG(low []byte) bool {
	for {
		low = bytes.TrimLeft(low, " \t\r\n")
		var end string
		switch {
		case bytes.HasPrefix(low, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(low, []byte("<?")), bytes.HasPrefix(low, []byte("<!")):
			end = ">"
		default:
			rest, ok := bytes.CutPrefix(low, []byte("<svg"))
			return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n/>:"), rest[0]) >= 0)
		}
		i := bytes.Index(low, []byte(end))
		if i < 0 {
			return false
		}
		low = low[i+len(end):]
	}
}

// extensions are the types of pictures that profiles and communities have, and
// how their files' names end.
var extensions = map[string]string{typePNG: "png", typeJPEG: "jpg", typeWebP: "webp", typeGIF: "gif"}
