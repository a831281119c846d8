# A document of 20,000 elements: parsed, formatted, asked, and made wrong.
{
  echo '<?xml version="1.0"?><root xmlns:x="urn:example">'
  seq 20000 | sed 's/.*/<x:item id="&" name="n&"><value>&<\/value><!-- & --><text>some \&amp; more &<\/text><\/x:item>/'
  echo '</root>'
} > document.xml
xmllint --format document.xml | sha256sum
xmllint --c14n document.xml | sha256sum
xmllint --xpath 'sum(//value)' document.xml
xmllint --xpath 'count(//text[contains(., "77")])' document.xml
head -c 500000 document.xml > wrong.xml
xmllint --noout wrong.xml 2>&1 || echo "status $?"
