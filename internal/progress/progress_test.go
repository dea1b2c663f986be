package progress_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/progress"
)

func TestStatesAreShownAtEachInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var shown []string
		meter := progress.Start(100, 10*time.Second, func(s progress.State) { shown = append(shown, s.Bar()) })
		time.Sleep(15 * time.Second)
		for range 50 {
			meter.Done()
		}
		time.Sleep(10 * time.Second)
		meter.Stop()
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"[..............................] 0 of 100", "[###############...............] 50 of 100, 2.5/s, 20s left"}, shown); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAShortRunShowsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meter := progress.Start(1, time.Second, func(progress.State) { t.Error("a state is shown") })
		meter.Done()
		meter.Stop()
	})
}

func TestBar(t *testing.T) {
	t.Parallel()
	for want, state := range map[string]progress.State{
		"[..............................] 0 of 0":                      {},
		"[###############...............] 1 of 2, 4.0/s, 3s left":      {Done: 1, Total: 2, Rate: 4, Left: 3 * time.Second},
		"[##############################] 200 of 200, 20.0/s, 0s left": {Done: 200, Total: 200, Rate: 20},
	} {
		if diff := cmp.Diff(want, state.Bar()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLinesGoAboveTheOneThatIsShown(t *testing.T) {
	t.Parallel()
	var screen strings.Builder
	terminal := progress.NewTerminal(&screen)
	for _, act := range []func(){
		func() { _, _ = terminal.Write([]byte("before\n")) },
		func() { terminal.Show("[#.]") },
		func() { _, _ = terminal.Write([]byte("log\n")) },
		func() { terminal.Show("[##]") },
		func() { terminal.Show("") },
		func() { _, _ = terminal.Write([]byte("after\n")) },
	} {
		act()
	}
	const erase = "\r\x1b[K"
	want := "before\n" + erase + "[#.]" + erase + "log\n[#.]" + erase + "[##]" + erase + "after\n"
	if diff := cmp.Diff(want, screen.String()); diff != "" {
		t.Error(diff)
	}
}
