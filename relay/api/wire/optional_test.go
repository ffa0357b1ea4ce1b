package wire

import "testing"

func TestOptional(t *testing.T) {
	type in struct {
		Optional
		Text string `json:"text"`
	}
	for body, want := range map[string]string{"": "", " \n": "", "{}": "", `{"text":"x"}`: "x"} {
		got, err := decodeAs[in](nil, []byte(body))
		if err != nil || got.(*in).Text != want {
			t.Errorf("%q: got %v, %v, want %q", body, got, err, want)
		}
	}
	if _, err := decodeAs[in](nil, []byte("x")); err == nil {
		t.Error("what is no JSON was taken")
	}
	if _, err := decodeAs[struct{ Text string }](nil, nil); err == nil {
		t.Error("a body that is not optional was left out")
	}
}
