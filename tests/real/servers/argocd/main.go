// Command argocd is the parts of Argo CD that Pilothouse's tests need, in one program: its first argument names the
// part that runs, the rest are that part's own flags.
//
// The versions stand in go.mod alone.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	applicationset "github.com/argoproj/argo-cd/v3/cmd/argocd-applicationset-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	apiserver "github.com/argoproj/argo-cd/v3/cmd/argocd-server/commands"
	"github.com/argoproj/argo-cd/v3/util/grpc"
)

const usage = "usage: argocd application-controller|applicationset-controller|repo-server|server [FLAG...]"

func main() {
	parts := map[string]func() *cobra.Command{
		"application-controller":    controller.NewCommand,
		"applicationset-controller": applicationset.NewCommand,
		"repo-server":               reposerver.NewCommand,
		"server":                    apiserver.NewCommand,
	}
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	part, known := parts[os.Args[1]]
	if !known {
		fmt.Fprintf(os.Stderr, "argocd: no part is named %q\n%s\n", os.Args[1], usage)
		os.Exit(2)
	}
	// The parts read os.Args themselves.
	os.Args = append([]string{"argocd-" + os.Args[1]}, os.Args[2:]...)
	// As Argo CD's own main does: without a resolver that answers, gRPC's search for SRV records costs seconds.
	grpc.DisableSRVLookups()
	if err := part().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
