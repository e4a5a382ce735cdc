// Command velero is Velero as it is, and two things beside that a machine without a cloud needs:
//
//   - called by the name velero-plugin-dir it is a plugin of Velero, an object store that is a folder (store.go);
//   - `velero files FOLDER ADDRESS` serves that folder, so that the URLs of DownloadRequests answer.
//
// One program for all, because the plugin would link most of Velero a second time. The versions stand in go.mod alone.
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/vmware-tanzu/velero/pkg/cmd"
	"github.com/vmware-tanzu/velero/pkg/cmd/velero"
	"github.com/vmware-tanzu/velero/pkg/plugin/framework"
)

const (
	// What a BackupStorageLocation names as its provider.
	provider = "pilothouse.test/dir"
	// Velero starts every file in its plugin folder; a link of this name to this program lies there.
	pluginName = "velero-plugin-dir"
)

func main() {
	name := filepath.Base(os.Args[0])
	if name == pluginName {
		framework.NewServer().
			BindFlags(pflag.CommandLine).
			RegisterObjectStore(provider, func(logrus.FieldLogger) (any, error) { return &store{}, nil }).
			Serve()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "files" {
		if len(os.Args) != 4 {
			fmt.Fprintln(os.Stderr, "usage: velero files FOLDER ADDRESS")
			os.Exit(2)
		}
		fmt.Fprintln(os.Stderr, serveFiles(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	// Velero has a metrics server of its own (--metrics-address); that of the library under it would take port 8080 of all
	// addresses, and a second Velero on the machine would end for want of it.
	metricsserver.DefaultBindAddress = "0"
	defer klog.Flush()
	cmd.CheckError(velero.NewCommand(name).Execute())
}

// serveFiles serves a folder until the program is ended; it returns why it could not.
func serveFiles(folder, address string) error {
	server := http.Server{
		Addr:              address,
		Handler:           http.FileServer(http.Dir(folder)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	return server.ListenAndServe()
}
