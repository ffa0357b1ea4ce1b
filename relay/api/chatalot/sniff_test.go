package chatalot

import (
	"strings"
	"testing"

	"restante/relay"
)

func TestSniff(t *testing.T) {
	for _, c := range []struct{ name, head, want string }{
		{"program of Windows", "MZ\x90\x00", ""},
		{"program of Linux", "\x7fELF\x02", ""},
		{"program of macOS", "\xcf\xfa\xed\xfe\x07", ""},
		{"class of Java", "\xca\xfe\xba\xbe\x00", ""},
		{"script", "#!/bin/sh\n", ""},
		{"batch", "@ECHO off\r\ndel *", ""},
		{"batch behind white space", "\xef\xbb\xbf\n@echo on", ""},
		{"bytes", "\x01\x02\x03\x00", ""},
		{"text with a zero", "hello\x00world", ""},
		{"no UTF-8", "caf\xe9", ""},
		{"png", "\x89PNG\r\n\x1a\n....", typePNG},
		{"jpeg", "\xff\xd8\xff\xe0..", typeJPEG},
		{"gif", "GIF89a..", typeGIF},
		{"webp", "RIFF\x10\x00\x00\x00WEBPVP8 ", typeWebP},
		{"wav", "RIFF\x10\x00\x00\x00WAVEfmt ", "audio/wav"},
		{"another riff", "RIFF\x10\x00\x00\x00AVI LIST", ""},
		{"mp4", "\x00\x00\x00\x18ftypmp42", "video/mp4"},
		{"webm", "\x1a\x45\xdf\xa3\x01", "video/webm"},
		{"pdf", "%PDF-1.7", "application/pdf"},
		{"wasm", "\x00asm\x01", "application/wasm"},
		{"text", "just words\n", typeText},
		{"empty", "", typeText},
		{"svg", `<svg xmlns="http://www.w3.org/2000/svg"/>`, typeSVG},
		{"svg behind its prologue", "<?xml version='1.0'?>\n<!-- by me -->\n<!DOCTYPE svg>\n<SVG>", typeSVG},
		{"text about svg", "<svgfoo>", typeText},
		{"a rune cut in two", strings.Repeat("a", sniffBytes-1) + "\xc3", typeText},
		{"a short text cut in two", "a\xc3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := sniff([]byte(c.head))
			if got != c.want || (c.want == "") != relay.Is(err, relay.Invalid) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}
