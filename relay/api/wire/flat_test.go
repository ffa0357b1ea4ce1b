package wire

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json"
)

type flatPart struct {
	Object *string `json:"object"`
	User   string  `json:"userId"`
}

type flatIn struct {
	flatPart
	To     string   `json:"toId"`
	Body   Sealed   `json:"encContent"`
	Since  int64    `json:"since"`
	Groups []string `json:"groupIds"`
	Quoted int64    `json:"quoted,string"`
	secret string
}

// A flatShadow has a field whose name the struct around it has, too.
type flatShadow struct {
	B []string `json:"b"`
}

func TestFlat(t *testing.T) {
	for body, want := range map[string]bool{
		`{}`:      true,
		" { \n} ": true,
		`{"userId":"u","object":"o","toId":"","encContent":"c2VhbGVk","since":12}`: true,
		"{ \"since\" : 0 ,\t\"toId\"\r:\"x y\" } ":                                 true,
		`{"since":999999999999999}`:                                                true,
		`{"since":1000000000000000}`:                                               false, // the library reads these
		`{"since":-1}`:                                                             false,
		`{"since":1e3}`:                                                            false,
		`{"since":01}`:                                                             false,
		`{"since":"1"}`:                                                            false,
		`{"quoted":"1"}`:                                                           false,
		`{"groupIds":[]}`:                                                          false,
		`{"toId":null}`:                                                            false,
		`{"toId":"\\u0061"}`:                                                       false,
		`{"toId":"ä"}`:                                                             false,
		"{\"toId\":\"\x7f\"}":                                                      false,
		"{\"toId\":\"\n\"}":                                                        false,
		`{"toId":"a","toId":"b"}`:                                                  false,
		`{"TOID":"a"}`:                                                             false,
		`{"secret":"a"}`:                                                           false,
		`{"toId":"a",}`:                                                            false,
		`{"toId":"a"}x`:                                                            false,
		`{"toId":"a"`:                                                              false,
		`{,}`:                                                                      false,
		`[]`:                                                                       false,
		``:                                                                         false,
	} {
		var in flatIn
		got := flatOf(reflect.TypeFor[flatIn]()).read([]byte(body), reflect.ValueOf(&in).Elem())
		if got != want {
			t.Errorf("%s: got %v", body, got)
		}
	}
	for _, other := range []any{"", map[string]string{}, None{}, struct {
		A string `json:"a"`
		flatPart
		B struct{ A string } `json:"b"`
	}{}, struct {
		B string `json:"b"`
		flatShadow
	}{}} {
		if v := reflect.New(reflect.TypeOf(other)).Elem(); flatOf(v.Type()).read([]byte(`{"b":"x"}`), v) {
			t.Errorf("%T was read", other)
		}
	}
}

// Whatever is read here, the library reads the same.
func FuzzFlat(f *testing.F) {
	for _, body := range []string{
		`{"userId":"u","object":"o","toId":"t","encContent":"c2VhbGVk","since":12}`,
		` {"since" : 0 } `, `{"since":00}`, `{"toId":"a","toId":"b"}`, `{"encContent":"\u0061"}`, `{"object":null}`, `{}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var here, library flatIn
		if !flatOf(reflect.TypeFor[flatIn]()).read(body, reflect.ValueOf(&here).Elem()) {
			return
		}
		if err := json.Unmarshal(body, &library); err != nil {
			t.Fatalf("read, but: %v", err)
		}
		if !reflect.DeepEqual(here, library) {
			t.Fatalf("got %+v, want %+v", here, library)
		}
	})
}
