package migrate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// State is what a key was good for in the old program.
type State string

// The states.
const (
	Usable    State = "usable"
	Off       State = "off"
	Expired   State = "expired"
	Exhausted State = "exhausted"
	NoUser    State = "of users who are off"
	NoQuota   State = "of users without quota"
)

// Token is a client key, and what it may do here.
type Token struct {
	ID       int64
	Old      string // its name in the old database
	Name     string
	Digest   string // the SHA-256 sum of sk- and the key, in hexadecimal
	State    State
	Owner    string
	Groups   []string
	Models   []string
	Networks []string
	Disabled bool
	Expires  time.Time // zero: never
	Purse    purse
	Losses   []string
	// unpriced says that models that it reaches have no price, and that it may use them.
	unpriced bool
	user     int64
}

// purse is what is left of a budget: most less spent, in nano-dollars. A budget that is used up is of one nano-dollar, since one of
// nothing would be none, and has been spent before.
type purse struct {
	most  int64 // 0: no budget
	spent int64
}

// left is what may still be spent.
func (p purse) left() int64 { return p.most - p.spent }

// purseOf is a balance.
func purseOf(nano int64) purse {
	switch {
	case nano > 0:
		return purse{most: min(nano, mostNano)}
	default:
		return purse{most: leastNano, spent: leastNano - max(nano, -mostNano)} // what is added to that has to fit, too
	}
}

// Owner is a user, whose keys share a budget.
type Owner struct {
	ID    int64
	Name  string
	Purse purse
	Keys  int
}

// wrapped reports whether a balance is one that a column of 32 bits has made: at its edge, or far below nothing.
func wrapped(quota int64) bool {
	return quota == math.MaxInt32 || quota <= -(1<<30)
}

// longestOwner is what the owner of a token may have, in bytes.
const longestOwner = 200

// ownerOf is what a user is called.
func ownerOf(user row, id int64) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, user.text("username"))
	for len(name) > longestOwner {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return cmp.Or(strings.TrimSpace(name), fmt.Sprintf("user-%d", id))
}

// owner is what the user of an id is called, with the id behind it if somebody before it is called the same: of names like these the old
// database told blanks and control characters apart.
func (old *Old) owner(id int64) string {
	if old.owners == nil {
		old.owners = map[int64]string{}
		taken := map[string]bool{}
		for _, id := range slices.Sorted(maps.Keys(old.Users)) {
			name := ownerOf(old.Users[id], id)
			for taken[name] {
				name = fmt.Sprintf("%s-%d", name[:min(len(name), longestOwner-21)], id)
			}
			old.owners[id], taken[name] = strings.ToValidUTF8(name, ""), true
		}
	}
	return cmp.Or(old.owners[id], ownerOf(nil, id))
}

// tokenMapper makes keys of rows.
type tokenMapper struct {
	old    *Old
	rate   rate
	names  *names
	known  map[string]string // names of an earlier import, by digest
	groups func(string) string
	auto   []string // what the group "auto" stands for
	now    time.Time
}

// autoGroups is what new-api tries, one after the other, for a key of the group "auto".
func autoGroups(option string) []string {
	var list []string
	if json.Unmarshal([]byte(option), &list) != nil || len(list) == 0 {
		return []string{"default"}
	}
	return list
}

// digestOf is the sum of a key as clients send it.
func digestOf(key string) string {
	sum := sha256.Sum256([]byte("sk-" + strings.TrimPrefix(key, "sk-")))
	return hex.EncodeToString(sum[:])
}

// token is what a row comes to; nil: it has no key.
func (m *tokenMapper) token(r row) *Token {
	key := r.text("key")
	if key == "" {
		return nil
	}
	id, userID := r.numberOr("id", 0), r.numberOr("user_id", 0)
	user := m.old.Users[userID]
	t := &Token{ID: id, Old: r.text("name"), Digest: digestOf(key), Owner: m.old.owner(userID), State: Usable, user: userID}
	if known := m.known[t.Digest]; known != "" {
		t.Name = known
		m.names.taken[known] = true
	} else {
		t.Name = m.names.take(t.Old, "key", id)
	}
	m.limits(t, r, user)
	m.state(t, r, user)
	return t
}

// limits reads what it reaches, and from where.
func (m *tokenMapper) limits(t *Token, r, user row) {
	group := r.text("group")
	if m.old.Dialect != NewAPI || group == "" {
		group = user.text("group")
	}
	of := []string{group}
	if m.old.Dialect == NewAPI {
		if group == "auto" {
			of = m.auto
		}
		of = slices.DeleteFunc(slices.Clone(of), func(group string) bool { return !m.mayChoose(group, user.text("group")) })
		if len(of) == 0 {
			of = []string{group}
			t.Disabled = true
			t.Losses = append(t.Losses, "its group is none that its user may choose, so it was refused: it is off")
		}
	}
	for _, group := range of {
		if name := m.groups(group); !slices.Contains(t.Groups, name) {
			t.Groups = append(t.Groups, name)
		}
	}
	models := r.text("models")
	if m.old.Dialect == NewAPI {
		models = ""
		if r.is("model_limits_enabled") {
			if models = r.text("model_limits"); len(items(models)) == 0 {
				t.Disabled = true
				t.Losses = append(t.Losses, "its models are limited to none: it is off")
			}
		}
	}
	t.Models = items(models)
	bound := cmp.Or(r.text("subnet"), r.text("allow_ips"))
	networks, bad := networksOf(bound)
	t.Networks = networks
	switch {
	case bound != "" && len(networks) == 0: // a list of nothing but commas let nobody in
		t.Disabled = true
		t.Losses = append(t.Losses, "none of the networks that it may be used from can be read: it is off")
	case bad > 0:
		t.Losses = append(t.Losses, fmt.Sprintf("%d of the networks that it may be used from cannot be read, and are left out", bad))
	}
}

// mayChoose reports whether a key of a user of a group may be of another one, in new-api.
func (m *tokenMapper) mayChoose(group, own string) bool {
	if ratios, ok := ratios(m.old.Options["GroupRatio"]); ok && len(ratios) > 0 && ratios[group] == nil {
		return group == own // it has been given up, which is looked at for chosen ones only
	}
	if group == own {
		return true
	}
	usable, _, err := words(m.old.Options["UserUsableGroups"])
	if err != nil || m.old.Options["UserUsableGroups"] == "" {
		usable = map[string]string{"default": "", "vip": ""} // the program's own
	}
	_, is := usable[group]
	return is
}

// networksOf is networks and addresses, and how many others there were.
func networksOf(text string) (networks []string, bad int) {
	for _, item := range items(strings.ReplaceAll(text, ";", ",")) {
		if _, err := netip.ParsePrefix(item); err != nil {
			if at, err := netip.ParseAddr(item); err != nil || at.Zone() != "" {
				bad++
				continue
			}
		}
		networks = append(networks, item)
	}
	return networks, bad
}

// state is what it was good for, by what stands there and not by what the old program noted late, and its budget.
func (m *tokenMapper) state(t *Token, r, user row) {
	expires, status := r.numberOr("expired_time", -1), r.numberOr("status", 1)
	if expires != -1 {
		const last = 253402300799 // the year 9999 is as far as a time can be written
		t.Expires = at(max(0, min(expires, last)))
	}
	left := r.numberOr("remain_quota", 0)
	if !r.is("unlimited_quota") {
		nano, _ := m.rate.nano(left)
		t.Purse = purseOf(nano)
	}
	expired := !t.Expires.IsZero() && !t.Expires.After(m.now)
	exhausted := !r.is("unlimited_quota") && left <= 0
	switch {
	case user == nil || user.numberOr("status", 0) != 1:
		t.State, t.Disabled = NoUser, true
	case expired:
		t.State = Expired
	case exhausted:
		t.State = Exhausted
	case status != 1:
		t.State, t.Disabled = Off, true
	case user.numberOr("quota", 0) <= 0:
		t.State = NoQuota
	case t.Disabled:
		t.State = Off
	}
	if status == 2 {
		t.Disabled = true
	}
}
