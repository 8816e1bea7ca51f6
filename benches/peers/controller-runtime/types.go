package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "peers.example.com", Version: "v1alpha1"}

// PasscodeReset is a reset of one phone.
type PasscodeReset struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   PasscodeResetSpec   `json:"spec"`
	Status PasscodeResetStatus `json:"status,omitempty"`
}

// PasscodeResetSpec says which phone.
type PasscodeResetSpec struct {
	Device      Device      `json:"device"`
	RequestTime metav1.Time `json:"requestTime"`
}

// Device is a phone.
type Device struct {
	ManagedDeviceID string `json:"managedDeviceId"`
}

// PasscodeResetStatus says how far it is.
type PasscodeResetStatus struct {
	Phase          string       `json:"phase,omitempty"`
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// PasscodeResetList is a list of them.
type PasscodeResetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []PasscodeReset `json:"items"`
}

// DeepCopyObject is what controller-gen would have written.
func (in *PasscodeReset) DeepCopyObject() runtime.Object {
	return in.DeepCopy()
}

// DeepCopy is what controller-gen would have written.
func (in *PasscodeReset) DeepCopy() *PasscodeReset {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	in.Spec.RequestTime.DeepCopyInto(&out.Spec.RequestTime)
	out.Status.CompletionTime = in.Status.CompletionTime.DeepCopy()
	return &out
}

// DeepCopyObject is what controller-gen would have written.
func (in *PasscodeResetList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = make([]PasscodeReset, len(in.Items))
	for index := range in.Items {
		out.Items[index] = *in.Items[index].DeepCopy()
	}
	return &out
}
