#!/bin/sh
# Installs the real programs that tests play with (see origin.py, test_origin_to_viewers.py, tests/redis_server.py,
# tests/prometheus_server.py, tests/hosts.py, tests/unit/deploy/test_compose.py), where that is possible; otherwise it says so, and those tests
# are skipped.
packages="nginx libnginx-mod-rtmp ffmpeg chromium redis-server prometheus iproute2 docker-compose"
[ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ] && command -v ffmpeg >/dev/null && command -v chromium >/dev/null &&
    command -v redis-server >/dev/null && command -v prometheus >/dev/null && command -v promtool >/dev/null && command -v ip >/dev/null &&
    command -v docker-compose >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Some tests will be skipped: they need $packages."
    exit 0
fi
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then # a package that is installed starts its service, unless this file says no
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
    trap 'rm -f $policy' EXIT
fi
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >/dev/null 2>&1 ||
    echo "Some tests will be skipped: $packages could not be installed."
exit 0
