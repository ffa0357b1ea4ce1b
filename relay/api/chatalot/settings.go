package chatalot

import (
	"cmp"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// settingsOps are the rows of the settings of the instance.
func (a *api) settingsOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/admin/settings", wire.User, wire.Read(getSettings), "the settings of the instance"),
		wire.Row("PUT /api/admin/settings", wire.User, wire.Write(putSettings), "change some of them"),
	}
}

// An instance is what is settled for everybody, by administrators or the
// operator.
type instance struct {
	MaxCache int      `cbor:"1,keyasint,omitempty"` // messages a client keeps (500)
	MaxPins  int      `cbor:"2,keyasint,omitempty"` // of a channel (50)
	NoE2E    bool     `cbor:"3,keyasint,omitempty"`
	Owner    relay.ID `cbor:"4,keyasint,omitzero"` // whom the operator named last, see makeOwner
}

// There is one instance, under the zero id.
var instances = relay.NewRecords[instance]("chatalot instance")

// instanceOf returns the settings of the instance.
func instanceOf(tx *relay.Tx) (instance, error) {
	s, _, err := instances.Get(tx, relay.ID{})
	s.MaxCache, s.MaxPins = cmp.Or(s.MaxCache, 500), cmp.Or(s.MaxPins, 50)
	return *s, err
}

// settingsOut is flat, and its values are strings.
type settingsOut struct {
	MaxCache string `json:"max_messages_cache"`
	MaxPins  string `json:"max_pins_per_channel"`
	E2E      string `json:"e2e_enabled"`
}

func newSettings(s instance) settingsOut {
	return settingsOut{strconv.Itoa(s.MaxCache), strconv.Itoa(s.MaxPins), strconv.FormatBool(!s.NoE2E)}
}

func getSettings(c *wire.Call, tx *relay.Tx, _ wire.None) (settingsOut, error) {
	if err := administers(c, tx); err != nil {
		return settingsOut{}, err
	}
	s, err := instanceOf(tx)
	return newSettings(s), err
}

// putSettings changes what is named. A name that is no setting's, or a value
// that is none, changes nothing at all.
func putSettings(c *wire.Call, tx *relay.Tx, in map[string]jsontext.Value) (settingsOut, error) {
	if err := administers(c, tx); err != nil {
		return settingsOut{}, err
	}
	s, err := instanceOf(tx)
	if err != nil {
		return settingsOut{}, err
	}
	for name, raw := range in {
		var value string
		if json.Unmarshal(raw, &value) != nil {
			value = string(raw) // a bare number or boolean will do
		}
		switch name {
		case "max_messages_cache":
			s.MaxCache, err = settingBetween(name, value, 50, 10_000)
		case "max_pins_per_channel":
			s.MaxPins, err = settingBetween(name, value, 1, 200)
		case "e2e_enabled":
			s.NoE2E, err = value == "false", oneOf(value, name, "true", "false")
		default:
			err = bad("unknown setting")
		}
		if err != nil {
			return settingsOut{}, err
		}
	}
	return newSettings(s), instances.Put(tx, relay.ID{}, &s)
}

func settingBetween(name, value string, min, max int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < min || n > max {
		return 0, bad("%s must be %d to %d", name, min, max)
	}
	return n, nil
}
