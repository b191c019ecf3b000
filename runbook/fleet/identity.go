package fleet

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// maxNodeName is how many bytes of a machine's own name are read; kernels allow 64.
const maxNodeName = 256

// Identity is what tells this machine from another one at its address: the pinned host key's fingerprint and the name that
// the machine has for itself ("SHA256:… db1"), since machines cloned from one image may share a key. The machine is asked
// once a connection; the error is that of Run.
func (c *Client) Identity(ctx context.Context) (string, error) {
	if known := c.identity.Load(); known != nil {
		return *known, nil
	}
	ctx, cancel := quickly(ctx, "ask the machine's name")
	defer cancel()
	ran, err := c.Run(ctx, Command{Script: "uname -n", Max: maxNodeName})
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(ran.Stdout)
	if ran.Exit != 0 || name == "" {
		return "", unreachable(c.host, "uname -n", fmt.Errorf("exit %d without a name", ran.Exit))
	}
	identity := c.fingerprint + " " + strings.Trim(strconv.QuoteToASCII(name), `"`)
	c.identity.Store(&identity)
	return identity, nil
}
