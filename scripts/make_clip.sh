#!/usr/bin/env bash
# Make src/hubbub/web/demo.webm, the clip of `hubbub demo`: a minute of slow northern lights with a running clock, of our own
# making and so free of anybody's rights. It ends as it begins, so that it can be looped. Needs ffmpeg with libvpx and
# freetype, and the font DejaVu Sans Mono (Debian: ffmpeg, fonts-dejavu-core). Takes a few minutes.
set -euo pipefail

out=${1:-$(dirname "$0")/../src/hubbub/web/demo.webm}
font=${FONT:-/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every wave goes round a whole number of times in the 60 seconds. Computed small and enlarged: it is soft anyway.
turn="2*PI*T/60"
x="(X/W)"
y="(Y/H)"
ridge="(0.52+0.10*sin(5*$x+2*$turn)+0.05*sin(11*$x-3*$turn))"
veil="exp(-pow(($y-$ridge)*(4.2+1.6*sin(4*$x-2*$turn)),2))"
rays="(0.72+0.28*sin(26*$x+4*sin(3*$x+$turn)+6*$turn))"
glow="($veil*$rays)"
red="14+22*(1-$y)+(70+60*sin(3*$x+$turn))*$glow*(1.15-$y)"
green="18+26*$y+(175+30*sin(2*$x-2*$turn))*$glow"
blue="min(46+44*(1-$y)+(120+70*cos(4*$x+2*$turn))*$glow, 255)"

clock="drawtext=fontfile=$font:text='%{eif\:t/60\:d}\:%{eif\:mod(t\,60)\:d\:2}':fontcolor=white@0.92:fontsize=52:x=(w-text_w)/2:y=h*0.72"
name="drawtext=fontfile=$font:text='hubbub demo':fontcolor=white@0.55:fontsize=15:x=(w-text_w)/2:y=h*0.72+66"

ffmpeg -v error -y -f lavfi -i "nullsrc=s=160x90:r=12:d=60" \
  -vf "format=gbrp,geq=r='$red':g='$green':b='$blue',scale=640:360:flags=bicubic,$clock,$name,format=yuv420p" \
  -c:v ffv1 "$work/clip.mkv"
for pass in 1 2; do
  ffmpeg -v error -y -i "$work/clip.mkv" -an -c:v libvpx-vp9 -b:v 44k -g 72 -row-mt 1 -deadline good -cpu-used 2 \
    -pass $pass -passlogfile "$work/pass" -map_metadata -1 -fflags +bitexact -flags:v +bitexact "$work/demo.webm"
done
mv "$work/demo.webm" "$out"
wc -c "$out"
