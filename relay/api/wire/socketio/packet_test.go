package socketio

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		in string
		ok bool
	}{
		{`0`, true}, {`0{"a":1}`, true}, {`0/custom`, true}, {`0/custom,`, true}, {`0/custom,{}`, true},
		{`0null`, false}, {`0[]`, false}, {`0"a"`, false}, {`01{}`, false}, {`0{`, false}, {`0{}{}`, false},
		{`1`, true}, {`1/custom`, true}, {`1{}`, false}, {`1"why"`, false},
		{`2["a"]`, true}, {`2[1]`, true}, {`2[ "a" , 1 ]`, true}, {`212["a",{}]`, true}, {`2/x,12["a"]`, true},
		{`2`, false}, {`2{}`, false}, {`2[]`, false}, {`2[null]`, false}, {`2[{}]`, false}, {`2abc["a"]`, false}, {`2["a"]x`, false},
		{`2["connect"]`, false}, {`2["connect_error"]`, false}, {`2["disconnect"]`, false}, {`2["disconnecting"]`, false},
		{`2["newListener"]`, false}, {`2["removeListener"]`, false}, {`2["\u0063onnect"]`, false},
		{`29007199254740991["a"]`, true}, {`29007199254740992["a"]`, false}, {`299999999999999999999["a"]`, false},
		{`31[]`, true}, {`31["a"]`, true}, {`3[]`, false}, {`31{}`, false}, {`31`, false},
		{`4{"message":"x"}`, false}, {`7[]`, false}, {``, false}, {`abc`, false},
		{`51-["a",{"_placeholder":true,"num":0}]`, true}, {`50-["a"]`, true}, {`58-["a"]`, true}, {`59-["a"]`, false},
		{`5["a"]`, false}, {`5-["a"]`, false}, {`5x-["a"]`, false}, {`51["a"]`, false}, {`5-1-["a"]`, false}, {`50001-["a"]`, false},
		{`51-["a",{"_placeholder":true,"num":1}]`, false}, {`51-["a",{"_placeholder":true,"num":-1}]`, false},
		{`51-["a",{"_placeholder":true,"num":0.5}]`, false}, {`51-["a",{"_placeholder":true}]`, false},
		{`51-["a",[{"b":{"_placeholder":true,"num":7}}]]`, false},
		{`61-1[{"_placeholder":true,"num":0}]`, true}, {`61-[]`, false},
		{`2["a",` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `]`, true},
		{`2["a",` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `]`, false},
		{`2["a"` + strings.Repeat(",1", 255) + `]`, true},
		{`2["a"` + strings.Repeat(",1", 256) + `]`, false},
		{`0/` + strings.Repeat("n", 127), true}, {`0/` + strings.Repeat("n", 128), false},
	} {
		if _, err := decode([]byte(c.in), 8); (err == nil) != c.ok {
			t.Errorf("%.60s: got %v, want taken %v", c.in, err, c.ok)
		}
	}
}

func TestSplitArray(t *testing.T) {
	for in, want := range map[string][]string{
		`[]`:                       nil,
		`[ ] `:                     nil,
		`["a,]",{"b":[1,2]},3]`:    {`"a,]"`, `{"b":[1,2]}`, `3`},
		` ["\"[",[[],[]] , null ]`: {`"\"["`, `[[],[]]`, `null`},
		`["\\","x"]`:               {`"\\"`, `"x"`},
	} {
		list, ok := splitArray([]byte(strings.TrimLeft(in, " ")))
		var got []string
		for _, e := range list {
			got = append(got, string(e))
		}
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, %v, want %q", in, got, ok, want)
		}
	}
}

// What is taken is split as encoding/json splits it, and reads the same when it
// is written again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`0{"token":"123"}`, `0/custom,`, `1`, `2["message",1,"2",{"3":[true]}]`, `2456["m"]`, `3456[1,"2"]`, `4{"message":"x"}`,
		`52-["m",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, `61-789[{"_placeholder":true,"num":0}]`, `2{}`, `2["\"],[",[{}]]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := decode(in, 8)
		if err != nil {
			return
		}
		again, err := decode(encode(p), 8)
		if err != nil || !reflect.DeepEqual(again, p) && len(p.data)+len(again.data) > 0 {
			t.Fatalf("%q is %+v, and then %+v, %v", in, p, again, err)
		}
		if p.attachments > 8 {
			t.Errorf("%d attachments", p.attachments)
		}
		if p.kind == packetConnect || p.kind == packetDisconnect {
			return
		}
		var list []json.RawMessage
		if err := json.Unmarshal(p.data, &list); err != nil || len(list) != len(p.list) {
			t.Fatalf("%q: %d elements, encoding/json has %d, %v", in, len(p.list), len(list), err)
		}
		for i := range list {
			if string(list[i]) != string(p.list[i]) {
				t.Errorf("%q: element %d is %q, encoding/json has %q", in, i, p.list[i], list[i])
			}
		}
	})
}

func TestPayload(t *testing.T) {
	for _, c := range []struct {
		name string
		args []any
		want string
		n    int
	}{
		{"nothing", nil, `[]`, 0},
		{"values", []any{"<&>", 1, nil, map[string]int{"a": 1}}, `["<&>",1,null,{"a":1}]`, 0},
		{"JSON", []any{json.RawMessage(` { "b" : 1.50 , "a" : 2 } `)}, `[{"b":1.50,"a":2}]`, 0},
		{"binary", []any{[]byte{1}, "x", []byte{2}}, `[{"_placeholder":true,"num":0},"x",{"_placeholder":true,"num":1}]`, 2},
		{"spliced", []any{"x", Args{JSON: []json.RawMessage{[]byte(`1`), []byte(`2`)}}}, `["x",1,2]`, 0},
		{"not UTF-8", []any{json.RawMessage("\"\xff\"")}, "[\"\uFFFD\"]", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := newPayload(c.args)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(p.bytes()); got != c.want || len(p.attachments) != c.n {
				t.Errorf("got %s and %d attachments, want %s and %d", got, len(p.attachments), c.want, c.n)
			}
		})
	}
	if _, err := newPayload([]any{make(chan int)}); err == nil {
		t.Error("a channel was rendered")
	}
	if _, err := newPayload([]any{[]byte{1}, Args{Attachments: [][]byte{{2}}}}); err == nil {
		t.Error("attachments were mixed up")
	}
}
