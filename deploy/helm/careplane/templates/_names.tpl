{{- define "careplane.labels" -}}
app.kubernetes.io/name: careplane
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "careplane.keySecret" -}}
{{- if .Values.key.existingSecret -}}
{{ .Values.key.existingSecret }}
{{- else -}}
{{ .Release.Name }}-key
{{- end -}}
{{- end }}
