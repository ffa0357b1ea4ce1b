package wire

import (
	"runtime/debug"
	"sync"
	"testing"
)

func TestPurse_GivesNoMoreThanItHolds(t *testing.T) {
	p := NewPurse(20 << 20)
	if !p.Take(15<<20) || p.Take(6<<20) {
		t.Fatal("20 MiB: 15 refused, or 6 more given")
	}
	if !p.Take(5 << 20) {
		t.Fatal("a refused Take took something")
	}
	p.Give(6 << 20)
	if !p.Take(6<<20) || p.Take(1) {
		t.Fatal("what was given back is not what is there")
	}
}

func TestPurse_Sizes(t *testing.T) {
	if n := NewPurse(1).Size(); n != minPurse {
		t.Errorf("smallest: %d", n)
	}
	if n := NewPurse(0).Size(); n < minPurse {
		t.Errorf("default: %d", n)
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(256 << 20))
	if n := NewPurse(0).Size(); n != 64<<20 {
		t.Errorf("with GOMEMLIMIT of 256 MiB: %d", n)
	}
	var none *Purse
	if !none.Take(1 << 30) {
		t.Error("nil purse refused")
	}
	none.Give(1)
}

func TestPurse_ManyHands(t *testing.T) {
	p := NewPurse(minPurse)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if p.Take(minPurse / 3) {
					if p.Taken() > p.Size() {
						t.Error("more out than in")
					}
					p.Give(minPurse / 3)
				}
			}
		})
	}
	wg.Wait()
	if p.Taken() != 0 {
		t.Errorf("%d bytes lost", p.Taken())
	}
}

func TestTurns(t *testing.T) {
	turns := NewTurns(2, 3)
	a1, ok1 := turns.Turn("a")
	_, ok2 := turns.Turn("a")
	if _, ok := turns.Turn("a"); !ok1 || !ok2 || ok {
		t.Fatal("an account has other than 2 turns")
	}
	b1, ok := turns.Turn("b")
	if !ok {
		t.Fatal("one account's turns are another's")
	}
	if _, ok := turns.Turn("c"); ok {
		t.Fatal("4 turns of 3")
	}
	a1()
	if _, ok := turns.Turn("a"); !ok {
		t.Fatal("turn not released")
	}
	b1()
	if len(turns.of) != 1 || turns.used != 2 {
		t.Errorf("accounts without turns are remembered: %v", turns.of)
	}
	var none *Turns
	release, ok := none.Turn("a")
	if !ok {
		t.Fatal("nil Turns refused")
	}
	release()
}
