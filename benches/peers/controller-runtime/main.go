// A plain operator with controller-runtime, as its book teaches it: watch, reconcile, and remember in the status what was done.
//
// It is a peer, not a part of this project: the bench compares with it (`make bench`). The framework's defaults hold, but for the workers:
// one at a time would measure the answers' latency and not the operator.
package main

import (
	"context"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const workers = 32

type reconciler struct {
	client.Client
	graph *graph
}

// Reconcile resets the phone unless the status says that this was done.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var reset PasscodeReset
	if err := r.Get(ctx, request.NamespacedName, &reset); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if reset.Status.Phase == "Complete" {
		return ctrl.Result{}, nil
	}
	if err := r.graph.resetPasscode(ctx, reset.Spec.Device.ManagedDeviceID); err != nil {
		return ctrl.Result{}, err
	}
	before := reset.DeepCopy()
	now := metav1.Now()
	reset.Status = PasscodeResetStatus{Phase: "Complete", CompletionTime: &now}
	return ctrl.Result{}, r.Status().Patch(ctx, &reset, client.MergeFrom(before))
}

func run() error {
	ctrl.SetLogger(zap.New())
	graph, err := graphFromEnvironment()
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(groupVersion, &PasscodeReset{}, &PasscodeResetList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	configuration, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(configuration, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).
		For(&PasscodeReset{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler{Client: manager.GetClient(), graph: graph})
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		ctrl.Log.Error(err, "the operator ended")
		os.Exit(1)
	}
}
