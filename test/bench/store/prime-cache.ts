// Does: loads once what a member loads, so that the compile cache holds it, as launcher/prime-cache.ts does for a cluster: a process
// that has to strip types itself holds 20 MiB more for as long as it lives. Never runs a member.
import '../../kit/store-process.ts';
import '../../../services/store/main.ts';
