package chatalot

import "testing"

// The samples of RFC 6238, appendix B, cut to six digits.
func TestTOTPCode(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totpCode(secret, at/totpStep); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
}

func TestPlainCode(t *testing.T) {
	code := newRecoveryCode()
	if len(code) != 19 || printedCode(plainCode(code)) != code {
		t.Errorf("got %s", code)
	}
	if got := printedCode(plainCode("abcd efgh-jklm nPQR")); got != "ABCD-EFGH-JKLM-NPQR" {
		t.Errorf("got %s", got)
	}
}
