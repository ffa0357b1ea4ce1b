package chatalot

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	_ "image/gif" // what image.Decode knows
	"image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/webp" // still ones

	"restante/relay/api/wire"
)

// Bounds of small pictures, and of what is decoded to make them.
const (
	thumbnailSide    = 300      // pixels, either way
	thumbnailQuality = 80       // of a JPEG
	maxPixels        = 12 << 20 // of a picture that is decoded
	pixelBytes       = 8        // memory that one may take, the decoder's included
)

// thumbnail makes a small JPEG of a picture; none (false) of what cannot be
// decoded, which is no error. The picture's size is read from its head first,
// and the memory paid for from the purse.
func thumbnail(purse *wire.Purse, f io.ReadSeeker) ([]byte, bool) {
	head, format, err := image.DecodeConfig(f)
	pixels := int64(head.Width) * int64(head.Height)
	if err != nil || pixels == 0 || head.Width > maxPixels || head.Height > maxPixels || pixels > maxPixels {
		return nil, false
	}
	memory := pixels * pixelBytes
	if format == "webp" {
		trees, err := webpTrees(f)
		if err != nil {
			return nil, false
		}
		memory += trees
	}
	if !purse.Take(memory) {
		return nil, false
	}
	defer purse.Give(memory)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, false
	}
	src, _, err := image.Decode(f)
	if err != nil || src.Bounds().Empty() {
		return nil, false
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, shrink(src, thumbnailSide), &jpeg.Options{Quality: thumbnailQuality}); err != nil {
		return nil, false
	}
	return out.Bytes(), true
}

// What the prefix codes of a WebP picture without loss may take: they are as many
// as the file says, whatever its size in pixels. The decoder stops at so many.
const (
	maxTrees   = 2600
	treesBytes = 60 << 10 // of one set of them, at most
	treesLeast = 8        // bytes of the file that the shortest large set takes
)

// webpTrees returns how much memory the prefix codes of a WebP picture may take
// besides its pixels. One with loss has none, but for its transparency.
func webpTrees(f io.ReadSeeker) (int64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	in := bufio.NewReader(f)
	if _, err := in.Discard(12); err != nil {
		return 0, err
	}
	var coded int64
	for {
		var head [8]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return 0, err // without a picture in it
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		kind := string(head[:4])
		if kind == "ALPH" || kind == "VP8L" {
			coded += n
		}
		if kind == "VP8 " || kind == "VP8L" {
			return min(coded/treesLeast, maxTrees) * treesBytes, nil
		}
		if _, err := io.CopyN(io.Discard, in, n+n%2); err != nil {
			return 0, err
		}
	}
}

// shrink fits a picture into a square by averaging, and puts it on white where
// it is transparent. A smaller one keeps its size.
func shrink(src image.Image, side int) *image.RGBA {
	from := src.Bounds()
	w, h := fit(from.Dx(), from.Dy(), side)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		y0, y1 := span(y, h, from.Dy())
		for x := range w {
			x0, x1 := span(x, w, from.Dx())
			dst.SetRGBA(x, y, average(src, image.Rect(x0, y0, x1, y1).Add(from.Min)))
		}
	}
	return dst
}

// fit returns the size of a picture in a square, of which no side is zero.
func fit(w, h, side int) (int, int) {
	if long := max(w, h); long > side {
		w, h = w*side/long, h*side/long
	}
	return max(w, 1), max(h, 1)
}

// span returns which of a row's n pixels the i-th of m stands for.
func span(i, m, n int) (from, to int) {
	from = i * n / m
	return from, max((i+1)*n/m, from+1)
}

func average(src image.Image, area image.Rectangle) color.RGBA {
	var r, g, b, n uint64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			cr, cg, cb, ca := src.At(x, y).RGBA()
			white := uint64(0xffff - ca)
			r, g, b, n = r+uint64(cr)+white, g+uint64(cg)+white, b+uint64(cb)+white, n+1
		}
	}
	return color.RGBA{byte(r / n >> 8), byte(g / n >> 8), byte(b / n >> 8), 0xff}
}
