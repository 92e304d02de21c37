# Make a cluster of one mon and one mgr on this host. cluster.py sets these variables above:
# FSID NAME ADDR NETWORK DASHBOARD (yes or no) DASHBOARD_PORT DASHBOARD_USER DASHBOARD_PASSWORD
set -euo pipefail
umask 077

READY_SECONDS=120
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > /etc/ceph/ceph.conf <<CONF
[global]
fsid = $FSID
mon_initial_members = $NAME
mon_host = [v2:$ADDR:3300/0,v1:$ADDR:6789/0]
public_network = $NETWORK
CONF
chmod 644 /etc/ceph/ceph.conf

# Keys that the mon takes over when it is made: no command has to add them later.
key() { ceph-authtool "$1" --gen-key --name "$2" "${@:3}"; }
mgr_data=/var/lib/ceph/mgr/ceph-$NAME
bootstrap_osd=/var/lib/ceph/bootstrap-osd/ceph.keyring
admin=/etc/ceph/ceph.client.admin.keyring
mkdir -p "$mgr_data" "${bootstrap_osd%/*}"
key "$work/mon" mon. --create-keyring --cap mon 'allow *'
key "$admin" client.admin --create-keyring \
    --cap mon 'allow *' --cap osd 'allow *' --cap mds 'allow *' --cap mgr 'allow *'
key "$bootstrap_osd" client.bootstrap-osd --create-keyring \
    --cap mon 'profile bootstrap-osd' --cap mgr 'allow r'
key "$mgr_data/keyring" "mgr.$NAME" --create-keyring \
    --cap mon 'allow profile mgr' --cap osd 'allow *' --cap mds 'allow *'
for keyring in "$admin" "$bootstrap_osd" "$mgr_data/keyring"; do
    ceph-authtool "$work/mon" --import-keyring "$keyring"
done

monmaptool --create --fsid "$FSID" --addv "$NAME" "[v2:$ADDR:3300,v1:$ADDR:6789]" \
    --set-min-mon-release "$(ceph-mon --version | sed -E 's/.* version ([0-9]+).*/\1/')" \
    --enable-all-features "$work/monmap"
chown -R ceph:ceph "$work" "$mgr_data" "${bootstrap_osd%/*}"
mkdir -p "/var/lib/ceph/mon/ceph-$NAME"
chown ceph:ceph "/var/lib/ceph/mon/ceph-$NAME"
setpriv --reuid=ceph --regid=ceph --init-groups \
    ceph-mon --mkfs -i "$NAME" --monmap "$work/monmap" --keyring "$work/mon"
systemctl enable --now "ceph-mon@$NAME"

set_option() { ceph --connect-timeout "$READY_SECONDS" config set "$@"; }
set_option mon auth_allow_insecure_global_id_reclaim false
# The machine's disk can be nearly full without any harm to a lab.
set_option mon mon_data_avail_warn 2
set_option mon mon_data_avail_crit 1
if [ "$DASHBOARD" = yes ]; then
    # No mgr has told the mon yet which options and modules there are: hence --force.
    set_option mgr mgr/dashboard/ssl false --force
    set_option mgr mgr/dashboard/server_port "$DASHBOARD_PORT" --force
    ceph mgr module enable dashboard --force
fi
systemctl enable --now "ceph-mgr@$NAME"

# wait_until WHAT COMMAND...: repeat the command until it succeeds.
wait_until() {
    local deadline=$((SECONDS + READY_SECONDS))
    until "${@:2}" > "$work/said" 2>&1; do
        if ((SECONDS > deadline)); then
            echo "$1 did not come up in $READY_SECONDS s: $(cat "$work/said")" >&2
            exit 1
        fi
        sleep 0.5
    done
}

mgr_is_active() { ceph mgr stat --format json-pretty | grep '"available": true'; }
wait_until "the mgr" mgr_is_active
if [ "$DASHBOARD" = yes ]; then
    printf %s "$DASHBOARD_PASSWORD" > "$work/password"
    wait_until "the dashboard" ceph dashboard ac-user-create --force-password \
        "$DASHBOARD_USER" -i "$work/password" administrator
fi
