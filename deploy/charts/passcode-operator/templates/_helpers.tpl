{{/* The names are the same in every release: one installation per cluster, and a federated credential names the service account. */}}

{{- define "passcode-operator.selector" -}}
app.kubernetes.io/name: passcode-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "passcode-operator.labels" -}}
{{ include "passcode-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "passcode-operator.image" -}}
{{- $sentence := "image.repository is missing: name the repository that you pushed the image to, such as registry.example.com/passcode-operator" -}}
{{- $repository := required $sentence .Values.image.repository -}}
{{- /* A colon before the last slash is the registry's port. */ -}}
{{- if regexMatch "@|:[^/]*$" $repository -}}
{{- fail (printf "image.repository is %q: write the repository alone, its tag into image.tag and its digest into image.digest" $repository) -}}
{{- end -}}
{{- $tagged := printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- if .Values.image.digest }}{{ printf "%s@%s" $tagged .Values.image.digest }}{{ else }}{{ $tagged }}{{ end -}}
{{- end -}}
