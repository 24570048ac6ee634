// Decides how the images are called that the project builds itself, so that nothing needs a registry. Never builds one.

/** The demo's: the name that the article gives it. */
export const WEB_IMAGE_REF = 'ghcr.io/acme/web:1a2b3c4';
/** Holds a pod's namespaces for nerdctl, which joins only those of a running container. */
export const PAUSE_IMAGE_REF = 'flotilla.local/pause:1';
