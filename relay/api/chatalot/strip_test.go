package chatalot

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"restante/relay"
)

// secret stands for what a picture must not tell.
const secret = "48.8584 N 2.2945 E"

func drawn(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, color.RGBA{byte(x * 7), byte(y * 5), byte(x ^ y), 0xff})
		}
	}
	return m
}

func jpegOf(t *testing.T, m image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t *testing.T, m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegSegment(marker byte, body string) string {
	return string([]byte{0xff, marker}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))) + body
}

func pngChunk(kind, body string) string {
	sum := crc32.ChecksumIEEE([]byte(kind + body))
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + kind + body + string(binary.BigEndian.AppendUint32(nil, sum))
}

func webpChunk(kind, body string) string {
	s := kind + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
	if len(body)%2 == 1 {
		s += "\x00"
	}
	return s
}

func webpOf(chunks ...string) string {
	body := "WEBP" + strings.Join(chunks, "")
	return "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
}

// stripped reads a picture through strip, whole and byte by byte, which must be
// the same.
func stripped(t *testing.T, kind, src string) (string, error) {
	t.Helper()
	got, err := io.ReadAll(strip(kind, strings.NewReader(src)))
	slow, errSlow := io.ReadAll(iotest.OneByteReader(strip(kind, iotest.OneByteReader(strings.NewReader(src)))))
	if string(got) != string(slow) || (err == nil) != (errSlow == nil) {
		t.Errorf("byte by byte: %d bytes, %v; whole: %d bytes, %v", len(slow), errSlow, len(got), err)
	}
	return string(got), err
}

func TestStrip_JPEG(t *testing.T) {
	plain := string(jpegOf(t, drawn(40, 30)))
	meta := jpegSegment(0xe1, "Exif\x00\x00"+secret) + jpegSegment(0xe2, "MPF\x00"+secret) + jpegSegment(0xed, secret) + jpegSegment(0xfe, secret)
	kept := jpegSegment(0xe2, "ICC_PROFILE\x00profile") + jpegSegment(0xee, "Adobe\x00d\x00\x00\x00\x00\x01")
	got, err := stripped(t, typeJPEG, plain[:2]+meta+kept+plain[2:]+jpegSegment(0xe1, secret))
	if want := plain[:2] + kept + plain[2:]; err != nil || got != want {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(want))
	}
	// Between the end of the data and the end of the picture.
	got, err = stripped(t, typeJPEG, plain[:len(plain)-2]+jpegSegment(0xe1, secret)+plain[len(plain)-2:])
	if err != nil || got != plain {
		t.Errorf("behind the data: got %d bytes, %v, want %d", len(got), err, len(plain))
	}
}

func TestStrip_PNG(t *testing.T) {
	plain := string(pngOf(t, drawn(40, 30)))
	const header = 8 + 25
	meta := pngChunk("tEXt", secret) + pngChunk("eXIf", secret) + pngChunk("iTXt", secret) + pngChunk("zTXt", secret) + pngChunk("tIME", "1234567")
	got, err := stripped(t, typePNG, plain[:header]+meta+plain[header:]+secret)
	if err != nil || got != plain {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(plain))
	}
}

func TestStrip_WebP(t *testing.T) {
	src := webpOf(webpChunk("VP8X", "\x1c\x00\x00\x00abcdef"), webpChunk("VP8 ", "data!"), webpChunk("EXIF", secret), webpChunk("XMP ", secret+"."))
	want := webpOf(webpChunk("VP8X", "\x10\x00\x00\x00abcdef"), webpChunk("VP8 ", "data!"),
		webpChunk("JUNK", strings.Repeat("\x00", len(secret))), webpChunk("JUNK", strings.Repeat("\x00", len(secret)+1)))
	got, err := stripped(t, typeWebP, src+secret)
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestStrip_Others(t *testing.T) {
	got, err := stripped(t, typeText, "as it is")
	if err != nil || got != "as it is" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestStrip_Broken(t *testing.T) {
	whole := map[string]string{
		typeJPEG: string(jpegOf(t, drawn(9, 9))),
		typePNG:  string(pngOf(t, drawn(9, 9))),
		typeWebP: webpOf(webpChunk("VP8 ", "data")),
	}
	for kind, src := range whole {
		for cut := 3; cut < len(src); cut++ {
			if _, err := io.ReadAll(strip(kind, strings.NewReader(src[:cut]))); !relay.Is(err, relay.Invalid) {
				t.Errorf("%s cut at %d of %d: %v", kind, cut, len(src), err)
			}
		}
	}
	for kind, src := range map[string]string{
		typeJPEG: "\xff\xd8no marker",
		typePNG:  whole[typePNG][:8] + "\xff\xff\xff\xffIHDR",
		typeWebP: "RIFF\x20\x00\x00\x00WEBPVP8 \xff\xff\xff\xff",
	} {
		if _, err := io.ReadAll(strip(kind, strings.NewReader(src))); !relay.Is(err, relay.Invalid) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// FuzzStrip checks that what comes out is clean when it goes in again.
func FuzzStrip(f *testing.F) {
	f.Add(byte(0), []byte("\xff\xd8\xff\xda\x00\x02ab\xff\x00\xff\xd9"))
	f.Add(byte(1), []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x00IEND1234"))
	f.Add(byte(2), []byte(webpOf(webpChunk("VP8X", "\x1c"), webpChunk("EXIF", "x"))))
	f.Fuzz(func(t *testing.T, k byte, src []byte) {
		kind := []string{typeJPEG, typePNG, typeWebP}[k%3]
		once, err := io.ReadAll(strip(kind, bytes.NewReader(src)))
		if err != nil {
			return
		}
		twice, err := io.ReadAll(strip(kind, bytes.NewReader(once)))
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q became %q, then %q, %v", src, once, twice, err)
		}
	})
}

func TestCleanSVG(t *testing.T) {
	const src = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="run()" width="9">` +
		`<script>run()</script><foreignObject><body><p/></body></foreignObject><style>a{background:url(http://x)}</style>` +
		`<a href="java&#10;script:run()"><circle r="1" fill="url(#g)" style="fill: URL( http://x )"/></a>` +
		`<image xlink:href="http://x/y.png"/><use xlink:href="#g"/><text>1 &lt; 2</text></svg>`
	got, err := cleanSVG([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	want := "&#xA;" + `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9">` +
		`<a><circle r="1" fill="url(#g)"></circle></a><image></image><use xlink:href="#g"></use><text>1 &lt; 2</text></svg>`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, bad := range []string{"<svg", "<svg>", "</svg>", "<svg>&x;</svg>", "<svg a=1/>"} {
		if _, err := cleanSVG([]byte(bad)); !relay.Is(err, relay.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestThumbnail(t *testing.T) {
	var animated bytes.Buffer
	if err := gif.Encode(&animated, drawn(10, 5), nil); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		src  []byte
		w, h int
	}{
		"wide": {pngOf(t, drawn(900, 30)), 300, 10},
		"tall": {jpegOf(t, drawn(200, 601)), 99, 300},
		"slit": {pngOf(t, drawn(2000, 1)), 300, 1},
		"tiny": {animated.Bytes(), 10, 5},
	} {
		small, ok := thumbnail(nil, bytes.NewReader(c.src))
		if !ok {
			t.Errorf("%s: none", name)
			continue
		}
		got, err := jpeg.DecodeConfig(bytes.NewReader(small))
		if err != nil || got.Width != c.w || got.Height != c.h {
			t.Errorf("%s: got %dx%d, %v, want %dx%d", name, got.Width, got.Height, err, c.w, c.h)
		}
	}
	huge := "GIF89a\xff\xff\xff\xff\x00\x00\x00"
	for _, src := range []string{"", "no picture", huge} {
		if _, ok := thumbnail(nil, strings.NewReader(src)); ok {
			t.Errorf("a thumbnail of %q", src)
		}
	}
}
