# Makes a PostgreSQL cluster and runs it until standard input ends, then leaves nothing behind.
# Arguments: folder of the programs, folder for everything, owner of the cluster.
programs=$1 folder=$2 owner=$3
cd "$folder" || exit
exec >log 2>&1
LD_LIBRARY_PATH=$programs/../lib
export LD_LIBRARY_PATH
"$programs/initdb" --pgdata=data --username="$owner" --auth=trust --encoding=UTF8 --locale=C --wal-segsize=1 \
    --no-sync --no-instructions || exit
# Nothing here outlives the sandbox: nothing need reach the disk.
"$programs/postgres" -D data -k "$folder" -c listen_addresses= -c unix_socket_permissions=0700 -c max_connections=200 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c shared_buffers=16MB \
    -c max_wal_size=64MB -c wal_level=minimal -c max_wal_senders=0 -c jit=off </dev/null &
read -r _
kill -QUIT $!
wait
cd / && rm -rf "$folder"
