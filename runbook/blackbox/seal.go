package blackbox

import (
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"recoverbot/runbook"
)

// A box is magic, the id of its key, a nonce, and AES-256-GCM of the gzipped JSON of a Snapshot; magic and id are
// authenticated with it. Another format gets another number.
const (
	magicName = "recoverbot box "
	magic     = magicName + "1\n"
	idSize    = 8
	nonceSize = 12

	minSecret   = 16
	maxUnpacked = 64 << 20
)

// key is a 256-bit key, and an id that tells keys apart without telling anything of them.
type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

func newKey(secret []byte) (key, error) {
	var k key
	raw, err := hkdf.Key(sha256.New, secret, nil, "recoverbot black box 1 key", 32)
	if err != nil {
		return k, fmt.Errorf("derive key: %w", err)
	}
	id, err := hkdf.Key(sha256.New, secret, nil, "recoverbot black box 1 id", idSize)
	if err != nil {
		return k, fmt.Errorf("derive key: %w", err)
	}
	copy(k.id[:], id)
	block, err := aes.NewCipher(raw)
	if err != nil {
		return k, fmt.Errorf("derive key: %w", err)
	}
	k.aead, err = cipher.NewGCM(block)
	return k, err
}

// seal packs and encrypts a snapshot.
func (k key) seal(s Snapshot) ([]byte, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(z).Encode(s), z.Close()); err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	out := append([]byte(magic), k.id[:]...)
	header := bytes.Clone(out)
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails
	return k.aead.Seal(append(out, nonce...), nonce, packed.Bytes(), header), nil
}

// unseal decrypts and unpacks what the file holds, with whichever of the keys it was made.
func unseal(file string, box []byte, keys []key) (Snapshot, error) {
	var s Snapshot
	bad := func(id string) error { return runbook.Errorf(runbook.Invalid, id, "file", file) }
	if !bytes.HasPrefix(box, []byte(magic)) {
		if bytes.HasPrefix(box, []byte(magicName)) {
			return s, bad("blackbox.other_format")
		}
		return s, bad("blackbox.damaged")
	}
	if len(box) < len(magic)+idSize+nonceSize {
		return s, bad("blackbox.damaged")
	}
	header, rest := box[:len(magic)+idSize], box[len(magic)+idSize:]
	for _, k := range keys {
		if !bytes.Equal(k.id[:], header[len(magic):]) {
			continue
		}
		packed, err := k.aead.Open(nil, rest[:nonceSize], rest[nonceSize:], header)
		if err != nil {
			return s, bad("blackbox.damaged")
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return s, bad("blackbox.damaged")
		}
		if err := json.NewDecoder(io.LimitReader(z, maxUnpacked)).Decode(&s); err != nil {
			return s, bad("blackbox.damaged")
		}
		return s, nil
	}
	return s, bad("blackbox.wrong_key")
}

// keys are those that may open a box, the one that seals first: of the secret from the settings, and of the key file
// where there is one.
func (s *Store) keys() ([]key, error) {
	var out []key
	if s.secret != "" {
		k, err := newKey([]byte(s.secret))
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	text, err := os.ReadFile(s.keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read key of the black box: %w", err)
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != 32 {
		return out, runbook.Errorf(runbook.Invalid, "blackbox.bad_key_file", "file", s.keyFile)
	}
	k, err := newKey(raw)
	if err != nil {
		return nil, err
	}
	return append(out, k), nil
}

// sealing is the key for a new box; a key file is made where there is neither a secret nor one.
func (s *Store) sealing() (key, error) {
	have, err := s.keys()
	if len(have) > 0 && (err == nil || s.secret != "") {
		return have[0], nil
	}
	if err != nil {
		return key{}, err
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	err = writeWhole(s.keyFile, []byte(hex.EncodeToString(raw)+"\n"))
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return s.sealing()
	}
	if err != nil {
		return key{}, fmt.Errorf("make key of the black box: %w", err)
	}
	return newKey(raw)
}

// writeWhole makes a file that must not exist yet, all of it or nothing: mode 0600, on the disk when it returns.
func writeWhole(name string, data []byte) (err error) {
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil { // unlike a rename it replaces nothing
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

const temporary = ".new-*"
