# Installs Cortex, which turns Python models into web APIs, on Windows:
#
#   irm https://github.com/OWNER_TO_BE_SET/cortex/releases/latest/download/install.ps1 | iex
#
# CORTEX_VERSION       version to install (default: the newest)
# CORTEX_REPLACE=1     install though another program named cortex lies there
# CORTEX_INSTALL_DIR   folder to install into (default: ~\.local\bin)
# CORTEX_RELEASES_URL  a mirror of the releases, with latest/download/ and download/vVERSION/ below it
#
# Nothing is put in place before its checksum was verified and it has been started once.

function Install-Cortex {
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  # Windows PowerShell 5.1 would begin with older ones.
  [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

  $releases = 'https://github.com/OWNER_TO_BE_SET/cortex/releases'
  if ($env:CORTEX_RELEASES_URL) { $releases = $env:CORTEX_RELEASES_URL.TrimEnd('/') }
  $address = $releases -as [Uri]
  if (-not $address -or -not $address.IsAbsoluteUri -or $address.UserInfo -or -not ($address.Scheme -eq 'https' -or ($address.Scheme -eq 'http' -and (Test-Loopback $address)))) {
    throw 'CORTEX_RELEASES_URL is no address from which a program is taken; name an https:// address without a user name'
  }

  # A 32-bit shell, and one that is emulated on ARM, is told the machine by another name.
  $machine = $env:PROCESSOR_ARCHITECTURE
  if ($env:PROCESSOR_ARCHITEW6432) { $machine = $env:PROCESSOR_ARCHITEW6432 }
  if ($machine -ne 'AMD64' -and $machine -ne 'ARM64') { throw "there is no Cortex for $machine; there is one for x86-64" }
  if ($machine -eq 'ARM64') { Write-Host 'there is no Cortex for Windows on ARM: this one is for x86-64, which Windows 11 emulates' }
  $target = 'win-x64'

  $folder = $env:CORTEX_INSTALL_DIR
  if (-not $folder) { $folder = Join-Path $HOME '.local\bin' }
  # .NET would take a path for one from the folder in which the process was started, and does not know ~.
  $folder = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($folder)
  $program = Join-Path $folder 'cortex.exe'
  if ((Test-Path -LiteralPath $program) -and -not $env:CORTEX_REPLACE -and -not (Test-Cortex $program)) {
    throw "$program is there already, and it is another program; to keep it, set CORTEX_INSTALL_DIR to another folder, to replace it set CORTEX_REPLACE=1"
  }

  New-Item -ItemType Directory -Force -Path $folder | Out-Null
  # In the same folder, so that the program is put in place in one step.
  $work = Join-Path $folder ('.cortex-install-' + [Guid]::NewGuid().ToString('N'))
  New-Item -ItemType Directory -Path $work | Out-Null
  try {
    $version = $env:CORTEX_VERSION
    $where = "$releases/latest/download"
    if ($version) {
      $version = $version -replace '^v', ''
      $where = "$releases/download/v$version"
    }
    $sums = Join-Path $work 'SHA256SUMS'
    Save-File "$where/SHA256SUMS" $sums
    $found = Get-Content -LiteralPath $sums | ForEach-Object {
      if ($_ -match "^([0-9a-f]{64}) [ *]cortex-(\d[0-9A-Za-z.-]*)-$target\.zip$") {
        [PSCustomObject]@{ Sha256 = $Matches[1]; Version = $Matches[2] }
      }
    } | Where-Object { -not $version -or $_.Version -eq $version } | Select-Object -First 1
    if (-not $found) { throw "the release has no Cortex for $target" }
    $version = $found.Version
    $name = "cortex-$version-$target"
    $archive = Join-Path $work "$name.zip"
    Write-Host "downloading $releases/download/v$version/$name.zip"
    Save-File "$releases/download/v$version/$name.zip" $archive
    $sha256 = (Get-FileHash -LiteralPath $archive -Algorithm SHA256).Hash.ToLowerInvariant()
    if ($sha256 -ne $found.Sha256) {
      throw "$name.zip has SHA-256 $sha256, not $($found.Sha256); nothing was installed"
    }
    Expand-Archive -LiteralPath $archive -DestinationPath $work
    $new = Join-Path $work "$name\cortex.exe"
    $started = (& $new --version | Out-String).Trim()
    if ($started -ne "cortex $version") { throw "the program does not run on this machine: $started; nothing was installed" }
    Move-IntoPlace $new $program
  } finally {
    Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
  }

  Write-Host "cortex $version is installed: $program"
  if (($env:PATH -split ';') -notcontains $folder) {
    Write-Host "$folder is not on your PATH; to put it there: [Environment]::SetEnvironmentVariable('PATH', '$folder;' + [Environment]::GetEnvironmentVariable('PATH', 'User'), 'User')"
  }
}

function Test-Loopback([Uri] $address) {
  return $address.Host -match '^(127\.0\.0\.1|localhost|\[?::1\]?)$'
}

# A redirect leads to https, or nowhere, which Invoke-WebRequest cannot be told; so each is followed here.
function Save-File([string] $url, [string] $file) {
  $at = [Uri] $url
  foreach ($hop in 0..10) {
    $request = [Net.HttpWebRequest] [Net.WebRequest]::Create($at)
    $request.AllowAutoRedirect = $false
    $request.UserAgent = 'cortex-install'
    # A proxy would have another machine in mind.
    if (Test-Loopback $at) { $request.Proxy = $null }
    try { $response = $request.GetResponse() } catch { throw "cannot download ${url}: $($_.Exception.GetBaseException().Message)" }
    try {
      $next = $response.Headers['Location']
      if ([int] $response.StatusCode -eq 200) {
        $out = [IO.File]::Create($file)
        try { $response.GetResponseStream().CopyTo($out) } finally { $out.Dispose() }
        return
      }
      if (-not $next) { throw "cannot download ${url}: $([int] $response.StatusCode)" }
    } finally {
      $response.Dispose()
    }
    $at = New-Object Uri $at, $next
    if ($at.Scheme -ne 'https') { throw "cannot download ${url}: it leads to $at, which is not https" }
  }
  throw "cannot download ${url}: it leads on more than 10 times"
}

# What every Cortex has inside and no other program does; one that is found is not started to learn what it is.
function Test-Cortex([string] $path) {
  $latin1 = [Text.Encoding]::GetEncoding(28591)
  return $latin1.GetString([IO.File]::ReadAllBytes($path)).Contains('Turns a Python model into an autoscaling web API')
}

# A program that runs cannot be written over, but moved aside, so that there are two renames; what is left of the old one is removed by
# `cortex upgrade`. Where the machine stopped between the two, this script puts a program there when it is run again.
function Move-IntoPlace([string] $new, [string] $program) {
  $aside = $null
  if (Test-Path -LiteralPath $program) {
    $aside = "$program." + [Guid]::NewGuid().ToString('N').Substring(0, 8) + '.old'
    Move-Item -LiteralPath $program -Destination $aside
  }
  try {
    Move-Item -LiteralPath $new -Destination $program
  } catch {
    if ($aside) { Move-Item -LiteralPath $aside -Destination $program }
    throw
  }
  if ($aside) { Remove-Item -LiteralPath $aside -Force -ErrorAction SilentlyContinue }
}

Install-Cortex
