package chatalot

import (
	"bytes"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"

	"restante/relay/api/wire"
)

// A bitWriter puts bits into bytes, the lowest first.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) put(value, bits int) {
	for i := range bits {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(value>>i&1) << (w.n % 8)
		w.n++
	}
}

// webpOfOne is a picture of one colour without loss, as small as they come: each
// of its codes has one symbol, and its pixels take no bits.
func webpOfOne(w, h int, c color.NRGBA) string {
	var out bitWriter
	out.put(0x2f, 8)
	out.put(w-1, 14)
	out.put(h-1, 14)
	out.put(0, 1+3)   // no hint at transparency; version
	out.put(0, 1+1+1) // no transform, no colour cache, one set of codes
	for _, symbol := range []byte{c.G, c.R, c.B, c.A, 0} {
		out.put(1, 1) // a simple code
		out.put(0, 1) // of one symbol
		out.put(1, 1) // of 8 bits
		out.put(int(symbol), 8)
	}
	return string(out.b)
}

func TestThumbnail_WebP(t *testing.T) {
	red := color.NRGBA{0xf0, 0x10, 0x20, 0xff}
	still := webpOfOne(600, 200, red)
	for name, src := range map[string]string{
		"plain":            webpOf(webpChunk("VP8L", still)),
		"what strip makes": webpOf(webpChunk("VP8X", "\x00\x00\x00\x00\x57\x02\x00\xc7\x00\x00"), webpChunk("JUNK", "x"), webpChunk("VP8L", still)),
	} {
		small, ok := thumbnail(nil, strings.NewReader(src))
		if !ok {
			t.Errorf("%s: none", name)
			continue
		}
		got, err := jpeg.Decode(bytes.NewReader(small))
		if err != nil || got.Bounds().Dx() != 300 || got.Bounds().Dy() != 100 {
			t.Errorf("%s: got %v, %v, want 300x100", name, got.Bounds(), err)
			continue
		}
		r, g, b, _ := got.At(150, 50).RGBA()
		for i, c := range [][2]int{{int(r >> 8), 0xf0}, {int(g >> 8), 0x10}, {int(b >> 8), 0x20}} {
			if d := c[0] - c[1]; d < -8 || d > 8 {
				t.Errorf("%s: colour %d is %d, want about %d", name, i, c[0], c[1])
			}
		}
	}
	large := webpOf(webpChunk("VP8L", webpOfOne(4096, 3073, red)))
	animated := webpOf(webpChunk("VP8X", "\x02\x00\x00\x00\x57\x02\x00\xc7\x00\x00"), webpChunk("ANIM", "\x00\x00\x00\x00\x00\x00"))
	for name, src := range map[string]string{
		"over 12 megapixels": large,
		"animated":           animated,
		"cut off":            webpOf(webpChunk("VP8L", still))[:30],
		"longer than it is":  webpOf(webpChunk("VP8X", "\x10\x00\x00\x00\x57\x02\x00\xc7\x00\x00"), "ALPH\xff\xff\xff\xff"),
	} {
		if _, ok := thumbnail(nil, strings.NewReader(src)); ok {
			t.Errorf("%s: a thumbnail", name)
		}
	}
}

// How many codes a WebP picture has does not show in its pixels: they are paid
// for by what its file could hold of them.
func TestWebPTrees(t *testing.T) {
	alpha := webpChunk("ALPH", strings.Repeat("x", 79))
	for _, c := range []struct {
		name string
		src  string
		want int64
	}{
		{"with loss", webpOf(webpChunk("VP8 ", strings.Repeat("x", 1000))), 0},
		{"without", webpOf(webpChunk("VP8L", strings.Repeat("x", 80))), 10 * treesBytes},
		{"with transparency", webpOf(webpChunk("VP8X", "1234567890"), alpha, webpChunk("VP8 ", "xx")), 9 * treesBytes},
		{"many", webpOf(webpChunk("VP8L", strings.Repeat("x", 1<<20))), maxTrees * treesBytes},
	} {
		if got, err := webpTrees(strings.NewReader(c.src)); err != nil || got != c.want {
			t.Errorf("%s: %d, %v, want %d", c.name, got, err, c.want)
		}
	}
	purse := wire.NewPurse(16 << 20)
	few := webpOfOne(16, 16, color.NRGBA{A: 0xff})
	many := few + strings.Repeat("x", 300*treesLeast)
	for _, c := range []struct {
		src  string
		want bool
	}{{few, true}, {many, false}} {
		if _, ok := thumbnail(purse, strings.NewReader(webpOf(webpChunk("VP8L", c.src)))); ok != c.want {
			t.Errorf("%d bytes of codes: a thumbnail: %v, want %v", len(c.src), ok, c.want)
		}
	}
	if !purse.Take(16 << 20) {
		t.Error("not all was given back")
	}
}
