package chatalot

import (
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a community's theme, in bytes.
const (
	maxTheme = 8 << 10
	maxCSS   = 4 << 10
)

// themeColours are the colours of a theme; its only other member is customCss.
var themeColours = []string{
	"accent", "accentHover", "bgPrimary", "bgSecondary", "bgTertiary", "textPrimary", "textSecondary",
}

var colour = regexp.MustCompile(`^#[0-9a-fA-F]{3,8}$`)

func isColour(s string) bool { return colour.MatchString(s) }

// cleanTheme checks a theme and returns it as it is kept: colours, and style
// declarations of which none reaches beyond the page (sheet 9.12).
func cleanTheme(in jsontext.Value) ([]byte, error) {
	if len(in) > maxTheme {
		return nil, bad("community_theme must be at most %d bytes", maxTheme)
	}
	var theme map[string]string
	if json.Unmarshal(in, &theme) != nil {
		return nil, bad("community_theme must be an object of strings")
	}
	for name, value := range theme {
		switch {
		case name == "customCss":
			css, err := cleanCSS(value)
			if err != nil {
				return nil, err
			}
			theme[name] = css
		case !slices.Contains(themeColours, name):
			return nil, bad("community_theme has an unknown member")
		case !isColour(value):
			return nil, bad("colours of community_theme must be # and 3 to 8 hex digits")
		}
	}
	return json.Marshal(theme, json.Deterministic(true))
}

// refused are words that no style of a community has.
var refused = []string{
	"@import", "@font-face", "@keyframes", "expression(", "javascript:", "behavior:", "-moz-binding", "z-index",
	"cursor:", "pointer-events", "<", "\\", "/*",
}

var (
	placed  = regexp.MustCompile(`position\s*:\s*(fixed|absolute)`)
	located = regexp.MustCompile(`url\(\s*['"]?([^'")]*)`)
)

// declared are the properties that a style may set, besides its own ("--x").
var declared = []string{
	"color", "background", "background-color", "border", "border-color", "border-width", "border-style", "border-radius",
	"padding", "margin", "gap", "font-size", "font-weight", "font-family", "letter-spacing", "line-height", "box-shadow",
	"text-shadow", "opacity", "outline", "text-decoration", "text-transform",
}

// cleanCSS checks style declarations and writes them as "property: value",
// joined by "; ".
func cleanCSS(css string) (string, error) {
	if len(css) > maxCSS {
		return "", bad("customCss must be at most %d bytes", maxCSS)
	}
	lower := strings.ToLower(css)
	for _, word := range refused {
		if strings.Contains(lower, word) {
			return "", bad("customCss must not contain %s", word)
		}
	}
	if placed.MatchString(lower) {
		return "", bad("customCss must not place anything")
	}
	for _, m := range located.FindAllStringSubmatch(lower, -1) {
		if !strings.HasPrefix(strings.TrimSpace(m[1]), "/api/") {
			return "", bad("customCss must not refer to anything outside")
		}
	}
	var kept []string
	for _, d := range strings.Split(css, ";") {
		if strings.TrimSpace(d) == "" {
			continue
		}
		property, value, ok := strings.Cut(d, ":")
		property, value = strings.ToLower(strings.TrimSpace(property)), strings.TrimSpace(value)
		if !ok || value == "" || strings.ContainsAny(d, "{}") {
			return "", bad("customCss must be declarations")
		}
		if !strings.HasPrefix(property, "--") && !slices.Contains(declared, property) {
			return "", bad("customCss must not set this property")
		}
		kept = append(kept, property+": "+value)
	}
	return strings.Join(kept, "; "), nil
}
